// What pages and service workers write to their consoles is read by whoever looks over a shoulder, and by error reporters:
// no secret and no identity stands in it.
import assert from 'node:assert/strict';

/** What must not be found: `[what, value]`; a number is looked for as a word, for it is short. */
export function treasures(world) {
  const { edge } = world;
  const secrets = Object.values(edge.secrets).flatMap((site) => [
    ...site.api_keys.map((key) => ['an API key', key]),
    ...site.signing_keys.map(({ secret }) => ['a signing key', secret]),
    ['a VAPID private key', site.vapid.private_key],
    ...Object.values(site.call_servers).flat().map((secret) => ['a call server’s secret', secret]),
  ]);
  const shown = new Set(world.wire.log.events
    .flatMap(({ authorization, text }) => [authorization?.replace(/^\w+ /, ''), /^Authorization: Bearer (\S+)/im.exec(text ?? '')?.[1]])
    .filter((credential) => credential?.length > 20));
  const { endpoint, keys } = world.subscription ?? {};
  return [
    ...secrets,
    ['the edge’s secret', edge.edgeSecret],
    ['the operator’s key', edge.operatorKey],
    ...[...shown].map((credential) => ['a token, capability or signature', credential]),
    ...[...edge.accounts.values()].flatMap(({ number, password, display_name: name, uid }) => [
      ['a password', password], ['a number', number], ['a name', name], ['a uid', uid],
    ]),
    ...(endpoint ? [['a push endpoint', endpoint], ['a push key', keys?.auth], ['a push key', keys?.p256dh]] : []),
  ].filter(([, value]) => value);
}

const holds = (line, value) => (/^[\w-]{1,12}$/.test(value) ? new RegExp(`(?<![\\w.:-])${value}(?![\\w-])`).test(line) : line.includes(value));

/** The lines that hold one of them, each with what it holds. */
export const leaks = (lines, secrets) => lines.flatMap((line) => {
  const found = secrets.filter(([, value]) => holds(line, value)).map(([what]) => what);
  return found.length ? [`${[...new Set(found)].join(', ')}: ${line}`] : [];
});

/** Throws when a console of this world told one of them. */
export function assertSilent(world) {
  if (!world.edge || !world.wire) return;
  const lines = Object.values(world.browsers ?? {}).flatMap((browser) => browser?.consoleLines() ?? []);
  assert.deepEqual(leaks(lines, treasures(world)), [], 'a console holds what is nobody’s business');
}
