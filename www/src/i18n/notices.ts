/** What the service worker says, kept apart so that it loads nothing else. */

type Words = (name: string, number: string) => { title: string; body: string };
export interface Notices {
  lang: string;
  /** Where the caller is not known. */
  somebody: string;
  answer: string;
  decline: string;
  invitation: Words;
  missed: Words;
  cancelled: Words;
  elsewhere: Words;
  declined: Words;
}

/** "Alice (1001)", or the number alone. */
const full = (name: string, number: string): string => (name === number || !number ? name : `${name} (${number})`);

const en: Notices = {
  lang: 'en',
  somebody: 'somebody',
  answer: 'Answer',
  decline: 'Decline',
  invitation: (name, number) => ({ title: `${full(name, number)} is calling`, body: 'Tap to answer.' }),
  missed: (name, number) => ({ title: `Missed call from ${full(name, number)}`, body: 'Tap to call back.' }),
  cancelled: (name, number) => ({ title: `Missed call from ${full(name, number)}`, body: 'They hung up. Tap to call back.' }),
  elsewhere: (name, number) => ({ title: `Call from ${full(name, number)}`, body: 'Answered on another device.' }),
  declined: (name, number) => ({ title: `Call from ${full(name, number)}`, body: 'Declined.' }),
};

const zh: Notices = {
  lang: 'zh-CN',
  somebody: '未知号码',
  answer: '接听',
  decline: '拒绝',
  invitation: (name, number) => ({ title: `${full(name, number)} 来电`, body: '点击接听。' }),
  missed: (name, number) => ({ title: `${full(name, number)} 的未接来电`, body: '点击回拨。' }),
  cancelled: (name, number) => ({ title: `${full(name, number)} 的未接来电`, body: '对方已挂断。点击回拨。' }),
  elsewhere: (name, number) => ({ title: `${full(name, number)} 的来电`, body: '已在另一台设备上接听。' }),
  declined: (name, number) => ({ title: `${full(name, number)} 的来电`, body: '已拒绝。' }),
};

export const notices = (lang: string): Notices => (lang.toLowerCase().startsWith('zh') ? zh : en);
