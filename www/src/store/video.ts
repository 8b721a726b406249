/** What the page knows of the video of the call in front. Loaded with the module that looks after it; absent until then. */
export interface VideoState {
  /** The call that it is of. */
  call: string;
  /** What this side shows. */
  source: 'camera' | 'screen' | null;
  /** The other side is seen. */
  remote: boolean;
  /** The browser has been asked. */
  busy: boolean;
  /** Why nothing is shown: the browser's or the user's no, no camera, one that another program holds, or the other side takes none. */
  problem: 'blocked' | 'missing' | 'taken' | 'refused' | null;
  /** The browser can share a screen. */
  shares: boolean;
}
