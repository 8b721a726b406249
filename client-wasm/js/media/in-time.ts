/** What `work` gives, or `late` where it takes longer than this. */
export async function inTime<T>(work: Promise<T>, ms: number, late: T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<T>((resolve) => { timer = setTimeout(resolve, ms, late); });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
