/** Which language is spoken; kept apart, with the words of the first screen, so that the page's first script loads nothing else. */
import type { Language } from '../store/state.ts';

/** Where the user's choice is kept. */
export const LANGUAGE = 'wakeline:language';

/** The first of the user's languages that the page speaks; English otherwise. */
export function pickLanguage(wanted: readonly string[], chosen: string | null): Language {
  if (chosen === 'en' || chosen === 'zh') return chosen;
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'en' || primary === 'zh') return primary;
  }
  return 'en';
}

/** What the answering screen says at first sight. */
export const firstWords: Record<Language, { tag: string; incoming: string; answer: string; decline: string }> = {
  en: { tag: 'en', incoming: 'Incoming call', answer: 'Answer', decline: 'Decline' },
  zh: { tag: 'zh-CN', incoming: '来电', answer: '接听', decline: '拒绝' },
};
