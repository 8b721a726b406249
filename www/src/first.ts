/**
 * The answering screen of a tapped page, from the page's first script: drawn of what the push said of the caller when the
 * call is here, so that a caller hears it ring before the page's own code has come. What is pressed on it counts: it is
 * done as soon as there is somebody to do it. `main.ts` puts the whole page in its place.
 */
import type { Screen } from '../../client-wasm/js/early.ts';
import { firstWords, LANGUAGE, pickLanguage } from './i18n/pick.ts';
import { afterPaint } from './paint.ts';
import { strokes } from './screens/strokes.ts';
import { nameOf, type Person } from './store/state.ts';

type Press = 'answer' | 'decline';

/** An element of this class with this inside. */
function element<K extends keyof HTMLElementTagNameMap>(name: K, className: string, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.className = className;
  made.append(...inside);
  return made;
}

/** As `icon` draws it. */
function icon(name: keyof typeof strokes): SVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const [svg, path] = [document.createElementNS(space, 'svg'), document.createElementNS(space, 'path')];
  const set = (on: Element, attributes: Record<string, string>): void => {
    for (const [key, value] of Object.entries(attributes)) on.setAttribute(key, value);
  };
  set(svg, { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.8', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' });
  set(path, { d: strokes[name] });
  svg.append(path);
  return svg;
}

export class FirstScreen implements Screen {
  /** It is shown, and the call is not over. */
  rings = false;
  #pressed: Press | null = null;
  #element: HTMLElement | null = null;
  readonly #caller: Person;
  readonly #style: () => void;
  readonly spoken: () => void;

  /** `style` has the page's style sheet adopted; `spoken` is told when the caller knows that it rings. */
  constructor(caller: Person, style: () => void, spoken: () => void) {
    this.#caller = caller;
    this.#style = style;
    this.spoken = spoken;
  }

  /** Lays it out unseen, while nothing else is to be done: the first text of a page takes its time. */
  prepare(): void {
    if (this.#element || !document.body) return;
    this.#style();
    const words = firstWords[pickLanguage(navigator.languages, localStorage.getItem(LANGUAGE))];
    document.documentElement.lang = words.tag;
    const { displayName, number } = this.#caller;
    const act = (what: Press, stroke: 'phone' | 'down'): HTMLElement => {
      const button = element('button', `round ${what}`, icon(stroke));
      button.type = 'button';
      button.ariaLabel = words[what];
      button.dataset.testid = what;
      button.onclick = () => this.#press(what);
      const label = element('span', '', words[what]);
      label.ariaHidden = 'true';
      return element('div', 'act', button, label);
    };
    const avatar = element('div', 'avatar pulse', element('span', '', [...displayName.trim()][0]?.toLocaleUpperCase() ?? icon('person')));
    avatar.ariaHidden = 'true';
    const name = element('p', 'name', nameOf(this.#caller));
    name.dir = 'auto';
    const line = element('p', 'number', number);
    line.dir = 'ltr';
    const top = element('div', 'call-top', element('h1', 'eyebrow', words.incoming), avatar, name, ...(displayName.trim() ? [line] : []));
    const section = element('section', 'call-screen ringing', top, element('div', 'call-actions', act('decline', 'down'), act('answer', 'phone')));
    const screen = document.createElement('wakeline-first');
    screen.append(element('main', '', element('div', '', section)));
    screen.style.visibility = 'hidden';
    screen.role = 'alert';
    document.body.prepend(screen);
    screen.getBoundingClientRect();
    this.#element = screen;
  }

  ring(): Promise<boolean> {
    this.prepare();
    const screen = this.#element;
    // A hidden page paints nothing: whoever comes after knows what to do then.
    if (!screen || document.visibilityState !== 'visible') return Promise.resolve(false);
    this.rings = true;
    screen.style.visibility = '';
    return new Promise((resolve) => afterPaint(() => {
      if (this.rings) performance.mark('wakeline:painted');
      resolve(this.rings);
    }));
  }

  hush(): void {
    this.rings = false;
    this.#element?.remove();
  }

  /** The whole page is here. Answers what was pressed. */
  leave(): Press | null {
    this.hush();
    return this.#pressed;
  }

  #press(what: Press): void {
    this.#pressed = what;
    for (const button of this.#element?.querySelectorAll('button') ?? []) button.disabled = true;
  }
}
