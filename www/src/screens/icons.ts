/** Our own line icons, 24 × 24, drawn in the colour of the text around them. */
import { svg, html, type TemplateResult } from 'lit';
import { strokes } from './strokes.ts';

const paths = {
  phone: svg`<path d=${strokes.phone} />`,
  down: svg`<path d=${strokes.down} />`,
  mic: svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`,
  micOff: svg`<path d="M15 9.5V6a3 3 0 0 0-5.7-1.3M9 9v2a3 3 0 0 0 4.7 2.5M5.5 11.5a6.5 6.5 0 0 0 10.2 5.3M18.5 11.5a6.5 6.5 0 0 1-.7 2.9M12 18v3M4 4l16 16"/>`,
  camera: svg`<path d="M3 6.5h12v11H3ZM15 10.5 21 7v10l-6-3.5"/>`,
  hold: svg`<path d="M9 5.5v13M15 5.5v13"/>`,
  bell: svg`<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15ZM10 20.5a2.2 2.2 0 0 0 4 0"/>`,
  keypad: svg`<g fill="currentColor" stroke="none"><circle cx="6" cy="6" r="1.7"/><circle cx="12" cy="6" r="1.7"/><circle cx="18" cy="6" r="1.7"/><circle cx="6" cy="12" r="1.7"/><circle cx="12" cy="12" r="1.7"/><circle cx="18" cy="12" r="1.7"/><circle cx="6" cy="18" r="1.7"/><circle cx="12" cy="18" r="1.7"/><circle cx="18" cy="18" r="1.7"/></g>`,
  missed: svg`<path d="M4 6l7 7 9-9M20 4h-5M20 4v5M3.5 18.5c5-3 12-3 17 0"/>`,
  devices: svg`<rect x="3" y="5" width="13" height="10" rx="1.5"/><path d="M2 18.5h11"/><rect x="15" y="9" width="6.5" height="11" rx="1.5" class="over"/>`,
  check: svg`<path d="M5 12.5 10 17.5 19.5 7"/>`,
  cross: svg`<path d="M6 6 18 18M18 6 6 18"/>`,
  erase: svg`<path d="M8.5 5.5H21v13H8.5L3 12ZM11.5 9.5l5 5M16.5 9.5l-5 5"/>`,
  sound: svg`<path d="M4 9.5v5h3.5l5 4.5V5l-5 4.5ZM16 9a4.2 4.2 0 0 1 0 6M18.7 6.5a8 8 0 0 1 0 11"/>`,
  person: svg`<path d=${strokes.person} />`,
  tabs: svg`<rect x="3" y="8" width="13" height="12" rx="2"/><path d="M8 8V6a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-3"/>`,
  clock: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.2l3.5 2"/>`,
  link: svg`<path d="M3 9.5a13 13 0 0 1 18 0M6.5 13.2a8 8 0 0 1 11 0M10 16.8a3 3 0 0 1 4 0"/><circle cx="12" cy="19.5" r=".6"/>`,
};
export type IconName = keyof typeof paths;

export const icon = (name: IconName): TemplateResult => html`
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${paths[name]}</svg>
`;
