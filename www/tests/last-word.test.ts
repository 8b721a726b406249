import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastWord } from '../src/ports/last-word.ts';

/** Someone far away: each word is answered when the test says, and stands there from then on. */
function stage() {
  const lastWord = new LastWord();
  const sent: { word: string; arrive: () => Promise<void> }[] = [];
  let here = '';
  let there = '';
  const say = (word: string): Promise<string> => {
    here = word;
    return lastWord.say(() => new Promise((resolve) => {
      const said = here;
      sent.push({ word: said, arrive: async () => { there = said; resolve(said); await new Promise(setImmediate); } });
    }));
  };
  return { say, sent, words: () => sent.map(({ word }) => word), there: () => there };
}

test('a word goes out at once, also while another one is under way', async () => {
  const { say, words } = stage();
  void say('en');
  assert.deepEqual(words(), ['en']);
  void say('zh');
  assert.deepEqual(words(), ['en', 'zh'], 'in the same turn: the page may be closed in the next');
});

test('what overtook the last word does not stand in the end', async () => {
  const { say, sent, words, there } = stage();
  void say('en');
  const last = say('zh');
  await sent[1]?.arrive();
  await sent[0]?.arrive();
  assert.deepEqual([there(), words()], ['en', ['en', 'zh', 'zh']], 'said once more, behind both');
  await sent[2]?.arrive();
  assert.deepEqual([there(), await last], ['zh', 'zh']);
});

test('words that do not cross are said once each', async () => {
  const { say, sent, words } = stage();
  void say('en');
  await sent[0]?.arrive();
  void say('zh');
  await sent[1]?.arrive();
  assert.deepEqual(words(), ['en', 'zh']);
});

test('of several that cross only the last one is said again', async () => {
  const { say, sent, words, there } = stage();
  const told = [say('en'), say('zh'), say('en')];
  for (const one of [...sent].reverse()) await one.arrive();
  assert.deepEqual(words(), ['en', 'zh', 'en', 'en']);
  await sent[3]?.arrive();
  assert.deepEqual([there(), await Promise.all(told)], ['en', ['en', 'zh', 'en']]);
});
