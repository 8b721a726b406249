/** What kind of place this page runs in. */

const iOS = (): boolean =>
  /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.userAgent.includes('Macintosh') && navigator.maxTouchPoints > 1);

const standalone = (): boolean =>
  matchMedia('(display-mode: standalone)').matches || (navigator as { standalone?: boolean }).standalone === true;

/** iOS gives push only to a page that was put on the home screen. */
export const needsInstall = (): boolean => iOS() && !standalone();

const first = (table: [RegExp, string][]): string => table.find(([pattern]) => pattern.test(navigator.userAgent))?.[1] ?? '';

/** What the list of devices calls this one: "Firefox · Linux". */
export function deviceLabel(): string {
  const browser = first([[/Edg/, 'Edge'], [/OPR/, 'Opera'], [/Firefox|FxiOS/, 'Firefox'], [/Chrom|CriOS/, 'Chrome'], [/Safari/, 'Safari']]);
  const system = iOS() ? 'iOS' : first([[/Android/, 'Android'], [/Windows/, 'Windows'], [/Mac OS/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']]);
  return [browser, system].filter(Boolean).join(' · ');
}
