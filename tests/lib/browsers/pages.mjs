// Pages as tests use them, in whichever browser a machine has: what the driver asks of the newest one alone is asked in older words.

const WORDS = Symbol('in older words');

/** Every page that this driver gives. */
export function inOlderWords(driver) {
  const { newPage, pages } = driver;
  driver.newPage = async (...options) => adapted(await newPage.apply(driver, options));
  driver.pages = async (...options) => (await pages.apply(driver, options)).map(adapted);
  return driver;
}

function adapted(page) {
  if (page[WORDS]) return page;
  page[WORDS] = true;
  if (page.browser().protocol === 'webDriverBiDi') page.waitForFunction = (...wanted) => asked(page, ...wanted);
  else page.setOfflineMode = offline(page, page.setOfflineMode);
  return page;
}

/**
 * Firefox 140 compiles what the driver waits by under the page's own policy, and ours forbids it; what is asked once it lets through.
 * As `page.waitForFunction`.
 */
async function asked(page, wanted, { timeout = 30_000, polling = 50 } = {}, ...words) {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      const handle = await page.evaluateHandle(wanted, ...words);
      if (await handle.evaluate((it) => Boolean(it))) return handle;
    } catch (error) {
      // The page is on its way elsewhere: what is awaited may be there.
      if (page.isClosed() || !/context|navigat|realm|destroyed|no such (frame|handle|node)|detached/i.test(error.message)) throw error;
    }
    if (Date.now() > end) throw Object.assign(new Error(`Waiting failed: ${timeout}ms exceeded`), { name: 'TimeoutError' });
    await new Promise((resolve) => setTimeout(resolve, Number(polling) || 50));
  }
}

/** Chromium 148 insists on a word about the whole network beside the rules. */
function offline(page, set) {
  let session = null;
  return async (value) => {
    try {
      await set.call(page, value);
    } catch (error) {
      if (!/params\.offline/.test(error.message)) throw error;
      // What it says holds as long as it is there.
      session ??= await page.createCDPSession();
      const all = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
      await session.send('Network.emulateNetworkConditionsByRule', { offline: value, matchedNetworkConditions: [{ urlPattern: '', ...all }] });
    }
  };
}
