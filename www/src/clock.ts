/** The time as it was when the page was loaded, and steady from then on: a machine whose clock is set changes no duration. The phone counts by the same clock. */
export const now = (): number => performance.timeOrigin + performance.now();
