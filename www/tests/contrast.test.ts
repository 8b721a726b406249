import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const tokens = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8');
const colours = new Map<string, [string, string]>([['on-fill', ['#ffffff', '#ffffff']]]);
for (const [, name = '', light = '', dark = ''] of tokens.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)) colours.set(name, [light, dark]);

/** WCAG 2.2, relative luminance and contrast ratio. */
const luminance = (hex: string): number => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string): number => {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

test('text has a contrast of 4.5 and edges of 3, in light and in dark', () => {
  const pairs: [string, string, number][] = [
    ['ink', 'surface', 4.5], ['ink', 'raised', 4.5], ['ink', 'accent-wash', 4.5], ['ink-soft', 'surface', 4.5], ['ink-soft', 'raised', 4.5],
    ['accent', 'surface', 4.5], ['accent', 'accent-wash', 4.5], ['on-accent', 'accent', 4.5], ['on-fill', 'good-fill', 4.5], ['on-fill', 'bad-fill', 4.5],
    ['good', 'surface', 4.5], ['good', 'good-wash', 4.5], ['bad', 'surface', 4.5], ['warn-ink', 'warn-wash', 4.5], ['line-strong', 'surface', 3],
  ];
  for (const [front, back, least] of pairs) {
    for (const scheme of [0, 1] as const) {
      const [a, b] = [colours.get(front)?.[scheme], colours.get(back)?.[scheme]];
      assert.ok(a && b, `${front} or ${back} is not a token`);
      const ratio = contrast(a, b);
      assert.ok(ratio >= least, `${front} on ${back}, ${scheme ? 'dark' : 'light'}: ${ratio.toFixed(2)}`);
    }
  }
});
