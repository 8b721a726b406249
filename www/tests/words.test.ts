import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { duration, languages, pickLanguage, when } from '../src/i18n/index.ts';
import { notices } from '../src/i18n/notices.ts';
import { soundWords } from '../src/i18n/sound.ts';
import { videoWords } from '../src/i18n/video.ts';
import { parseRoute } from '../src/route.ts';

test('every language says everything, and nothing stays English by mistake', () => {
  const walk = (a: unknown, b: unknown, path: string): void => {
    if (typeof a === 'function') return walk(a('1002', '1002'), (b as typeof a)('1002', '1002'), `${path}()`);
    if (typeof a === 'object' && a !== null) {
      assert.deepEqual(Object.keys(a), Object.keys(b as object), path);
      for (const [key, value] of Object.entries(a)) walk(value, (b as Record<string, unknown>)[key], `${path}.${key}`);
      return;
    }
    assert.ok(typeof b === 'string' && b !== '', path);
    if (path !== '.title') assert.match(b as string, path === '.tag' || path.endsWith('.name') || path.endsWith('.lang') ? /./ : /[\u4e00-\u9fff]/, path);
  };
  walk(languages.en, languages.zh, '');
  walk(notices('en'), notices('zh-CN'), '');
  walk(soundWords('en'), soundWords('zh'), '.sound');
  walk(videoWords('en'), videoWords('zh'), '.video');
});

test('Chinese sentences use Chinese punctuation', () => {
  for (const file of ['zh.ts', 'notices.ts', 'sound.ts', 'video.ts']) {
    const text = readFileSync(new URL(`../src/i18n/${file}`, import.meta.url), 'utf8');
    assert.doesNotMatch(text, /[\u4e00-\u9fff][,;:?!]|[,;:?!][\u4e00-\u9fff]/u, file);
  }
});

test('the language is the user’s choice, else the first of the browser’s that we speak, else English', () => {
  assert.equal(pickLanguage(['fr', 'zh-Hant-TW', 'en'], null), 'zh');
  assert.equal(pickLanguage(['zh-CN'], 'en'), 'en');
  assert.equal(pickLanguage(['fr'], 'xx'), 'en');
});

test('durations and moments read as people say them', () => {
  assert.deepEqual([duration(-5), duration(65_900), duration(3_723_000)], ['0:00', '1:05', '1:02:03']);
  const now = new Date(2026, 10, 21, 10, 32).getTime();
  assert.equal(when(now - 4 * 60_000, now, languages.en), '4 minutes ago');
  assert.match(when(now - 3 * 3_600_000, now, languages.en), /^today 07:32/);
  assert.match(when(now - 26 * 3_600_000, now, languages.en), /^yesterday 08:32/);
  assert.match(when(now - 400 * 3_600_000, now, languages.zh), /11月4日/);
});

test('the URL of a tap is understood, and nothing else is', () => {
  assert.deepEqual(parseRoute('?wake=AbC-_9&answer=1'), { wake: 'AbC-_9', answer: true });
  assert.deepEqual(parseRoute('?wake=AbC'), { wake: 'AbC', answer: false });
  assert.deepEqual(parseRoute('?wake=%3Cscript%3E&answer=1'), { wake: null, answer: false });
  assert.deepEqual(parseRoute('?answer=1'), { wake: null, answer: false });
  // 22 characters and a line of 64, in base64url: the longest that a call server's wake has.
  assert.equal(parseRoute(`?wake=${'w'.repeat(108)}`).wake, 'w'.repeat(108));
  assert.equal(parseRoute(`?wake=${'w'.repeat(129)}`).wake, null);
});
