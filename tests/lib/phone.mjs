// The page as a person uses it: looks at the state it shows, presses its controls with real input.
import { until } from './events.mjs';

const control = (id) => `[data-testid="${id}"]`;

export class PhonePage {
  constructor(page, side) {
    this.page = page;
    this.side = side;
    this.errors = [];
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (process.env.WAKELINE_PAGE_LOG) console.error(`[${side} ${message.type()}] ${message.text()}`);
    });
  }

  /** Opens the page by hand. */
  static async open(browser, url, side) {
    const phone = new PhonePage(await browser.driver.newPage(), side);
    await phone.page.goto(url);
    return phone;
  }

  /** Awaits a page under `origin` that something else opens (a tapped notification). */
  static async opened(browser, origin, side, { ms = 15_000 } = {}) {
    const page = await until(
      async () => (await browser.driver.pages()).find((candidate) => candidate.url().startsWith(origin)),
      { ms, what: `${side}: a page of ${origin} opens` },
    );
    return new PhonePage(page, side);
  }

  /** What the application shows of itself: `{state, registration, stage, outcome, call}`. */
  async look() {
    return this.page.evaluate(() => ({ ...document.querySelector('wakeline-app')?.dataset }));
  }

  /** Awaits one of these states; answers what is shown then. */
  async until(states, { ms = 15_000, ...wanted } = {}) {
    const list = [states].flat();
    try {
      await this.page.waitForFunction(
        (names, more) => {
          const shown = document.querySelector('wakeline-app')?.dataset;
          return shown && names.includes(shown.state) && Object.entries(more).every(([key, value]) => [value].flat().includes(shown[key]));
        },
        { timeout: ms, polling: 50 },
        list,
        wanted,
      );
    } catch (error) {
      const shown = await this.look().catch(() => ({}));
      throw new Error(`${this.side} shows ${JSON.stringify(shown)}, not ${list.join('|')} ${JSON.stringify(wanted)}${this.errors.length ? `; page errors: ${this.errors.join('; ')}` : ''}`, { cause: error });
    }
    return this.look();
  }

  /** Presses a control. */
  async press(id, { ms = 10_000 } = {}) {
    const element = await this.page.waitForSelector(control(id), { visible: true, timeout: ms });
    // As a person would: not what is still behind the row of a call's buttons.
    await element.evaluate((it) => it.closest('.call-actions') ?? it.scrollIntoView({ block: 'center' }));
    await element.click();
  }

  /** Awaits that a control shows itself as pressed, or not. */
  async pressed(id, yes) {
    await this.page.waitForSelector(`${control(id)}[aria-pressed="${yes}"]`, { timeout: 5000 });
  }

  async type(id, text) {
    const element = await this.page.waitForSelector(control(id), { visible: true, timeout: 10_000 });
    await element.click({ count: 3 });
    await this.page.keyboard.type(text);
  }

  async text(id) {
    // The state is there at once; what draws it may be a chunk that is just being loaded.
    const element = await this.page.waitForSelector(control(id), { timeout: 5000 });
    return element.evaluate((it) => it.textContent.trim());
  }

  /** How many elements carry this test id. */
  async count(id) {
    return (await this.page.$$(control(id))).length;
  }

  async signIn({ number, password }) {
    await this.until(['sign-in', 'signed-out']);
    await this.type('sign-in-number', number);
    await this.type('sign-in-password', password);
    await this.press('sign-in-submit');
  }

  async dial(number, by = 'dial-call') {
    await this.until('keypad', { registration: 'registered' });
    await this.type('dial-input', number);
    await this.press(by);
  }

  /** When the page's own performance marks were set, by name, in ms since the epoch. */
  async marks() {
    return this.page.evaluate(() => Object.fromEntries(performance.getEntriesByType('mark')
      .filter(({ name }) => name.startsWith('wakeline:'))
      .map(({ name, startTime }) => [name.slice('wakeline:'.length), performance.timeOrigin + startTime])));
  }

  /** Live tracks of audio elements: none when the page is quiet. */
  async playing() {
    return this.page.evaluate(() => [...document.querySelectorAll('audio, video')]
      .filter((element) => !element.paused && (element.src || element.srcObject?.getTracks().some((track) => track.readyState === 'live'))).length);
  }

  async close() {
    await this.page.close();
  }
}
