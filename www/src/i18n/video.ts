/** Words about video. Apart from the others, for they are loaded when they are wanted. */
import type { Language } from '../store/state.ts';
import type { VideoState } from '../store/video.ts';

const en = {
  title: 'Video',
  of: (name: string) => `Video of ${name}`,
  own: { camera: 'Your camera', screen: 'Your screen' },
  camera: 'Camera',
  cameraOff: 'Camera off',
  share: 'Share screen',
  shareOff: 'Stop sharing',
  asking: 'Your browser asks you now…',
  shows: (name: string) => `${name} shows video now`,
  sharing: 'The other side sees your screen.',
  problems: {
    blocked: 'The camera or screen was not allowed. Open the site settings beside the address bar to allow the camera.',
    missing: 'No camera was found: connect one.',
    taken: 'The camera could not be started: another program may hold it.',
    refused: 'The other side takes no video. You can go on talking.',
  } satisfies Record<NonNullable<VideoState['problem']>, string>,
};

export type VideoWords = typeof en;

const zh: VideoWords = {
  title: '视频',
  of: (name) => `${name}的视频`,
  own: { camera: '您的摄像头画面', screen: '您的屏幕画面' },
  camera: '摄像头',
  cameraOff: '关闭摄像头',
  share: '共享屏幕',
  shareOff: '停止共享',
  asking: '浏览器正在询问您…',
  shows: (name) => `${name}已打开视频`,
  sharing: '对方能看到您的屏幕。',
  problems: {
    blocked: '未获准使用摄像头或屏幕。请打开地址栏旁的网站设置，允许使用摄像头。',
    missing: '未找到摄像头：请连接一个。',
    taken: '无法启动摄像头：它可能正被其他程序占用。',
    refused: '对方不接受视频，您可以继续通话。',
  },
};

export const videoWords = (language: Language): VideoWords => ({ en, zh })[language];
