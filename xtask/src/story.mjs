// Prints a call's story, told by its edge: `story.mjs ID EDGE`, the site's key in WAKELINE_SITE_KEY.
const [id, edge] = process.argv.slice(-2);
const end = (text) => {
  console.error(text);
  process.exit(1);
};
const address = URL.canParse(edge) ? new URL(edge) : end(`--edge ${edge} is not a URL`);
const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(address.hostname);
// The key opens everything of the site: it travels encrypted, or not at all.
if (address.protocol !== 'https:' && !loopback) end(`--edge ${edge} is not https: the site's key must not travel in the clear`);
const answer = await fetch(new URL(`/v1/calls/${encodeURIComponent(id)}/story`, address), {
  headers: { authorization: `Bearer ${process.env.WAKELINE_SITE_KEY}` },
  redirect: 'error',
}).catch((error) => end(`${address.origin} cannot be reached: ${error.cause?.message ?? error.message}`));
const body = await answer.json().catch(() => end(`${address.origin} answered ${answer.status} with something else than JSON`));
if (answer.status === 401) end('the edge does not know this key: set WAKELINE_SITE_KEY to one of the site');
if (answer.status === 404) end(`no call has the id ${id}, or its record was deleted`);
if (!answer.ok) end(`${answer.status}: ${body.detail ?? body.title}`);

const events = [
  { at: body.asked_at, what: 'asked for' },
  ...body.steps.map(({ at, device, state }) => ({ at, device, what: state })),
  ...body.pushes.map(({ at, device, provider, answer: said }) => ({ at, device, what: `push service (${provider}): ${said}` })),
];
if (body.ended_at) events.push({ at: body.ended_at, what: `over: ${body.state}${body.why ? ` (${body.why})` : ''}${body.ended_by ? `, ended by the ${body.ended_by}` : ''}` });
events.sort((a, b) => a.at - b.at);
console.log(`call ${body.id}, asked for at ${new Date(body.asked_at).toISOString()}, ${body.ended_at ? body.state : `goes on: ${body.state}`}`);
for (const { at, device, what } of events) {
  const after = ((at - body.asked_at) / 1000).toFixed(3).padStart(9);
  console.log(`${after} s  ${(device ? `device ${device}` : '').padEnd(9)} ${what}`);
}
