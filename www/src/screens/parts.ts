/** Pieces that several screens share. */
import { html, nothing, type TemplateResult } from 'lit';
import { nameOf, type Person } from '../store/state.ts';
import { icon } from './icons.ts';

/** Who it is, large: an initial, the name, the number. */
export const who = (person: Person, pulse = false): TemplateResult => html`
  <div class="avatar ${pulse ? 'pulse' : ''}" aria-hidden="true"><span>${initial(person)}</span></div>
  <p class="name" data-testid="remote-name" dir="auto">${nameOf(person)}</p>
  ${person.displayName.trim() ? html`<p class="number" dir="ltr" data-testid="remote-number">${person.number}</p>` : nothing}
`;

export const initial = (person: Person): TemplateResult | string => {
  const first = [...person.displayName.trim()][0];
  return first ? first.toLocaleUpperCase() : icon('person');
};

/** What a number may be made of, here and at the edge: all that is left of what was typed. */
export const dialled = (typed: string): string => typed.replace(/[^0-9A-Za-z+*#._-]/g, '').slice(0, 64);

/** A heading that takes the focus when its screen appears. */
export const heading = (text: string, className = ''): TemplateResult => html`<h1 tabindex="-1" class=${className}>${text}</h1>`;

export const banner = (kind: 'warn' | 'info' | 'good', content: unknown): TemplateResult => html`<div class="banner ${kind}">${content}</div>`;

/** What is unfolded is seen: as much of it as there is room for, its title first. */
export function unfolded(event: Event): void {
  const whole = (event.currentTarget as HTMLElement).parentElement;
  requestAnimationFrame(() => whole?.scrollIntoView({ block: 'nearest' }));
}
