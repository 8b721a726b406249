/** When what has just been rendered is on the screen. */

/** A busy machine does not keep work waiting longer than this, ms. */
const PATIENCE = 100;

/** Runs `work` as the first task behind the frame that shows what has just been rendered. */
export function afterPaint(work: () => void): void {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      work();
      port1.close();
    };
    port2.postMessage(null);
  });
}

/** Runs `work` once the frame is out and the page has nothing more urgent; a hidden page paints none, and runs it now. */
export function besidePaint(work: () => void): void {
  if (document.visibilityState !== 'visible') return work();
  afterPaint(() => {
    if ('requestIdleCallback' in window) requestIdleCallback(work, { timeout: PATIENCE });
    else setTimeout(work, PATIENCE / 2);
  });
}
