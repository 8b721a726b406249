#!/usr/bin/env node
// The lines of pages, for pjsip.conf:
//
//   WAKELINE_SIP_SECRET=… node lines.mjs phone.example.com 1001 1002 … > pjsip_lines.conf && asterisk -rx 'pjsip reload'
//
// Numbers may also come one a line on standard input. The secret is `sip_secret` of the site, whose `sip.scheme` is `derived`: the edge
// gives a page the same password, base64 of HMAC-SHA1 over its number, so that nothing has to be carried between the two.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [domain, ...named] = process.argv.slice(2);
const secret = process.env.WAKELINE_SIP_SECRET;
const numbers = named.length ? named : domain ? readFileSync(0, 'utf8').split(/\s+/).filter(Boolean) : [];
const odd = numbers.find((number) => !/^[0-9A-Za-z+*._-]{1,64}$/.test(number));
if (!secret || !domain || !/^[0-9A-Za-z.-]+$/.test(domain) || !numbers.length || odd) {
  console.error(odd ? `not a number that a line may have: ${odd}` : 'usage: WAKELINE_SIP_SECRET=… lines.mjs DOMAIN NUMBER…');
  process.exit(2);
}

const password = (number) => createHmac('sha1', secret).update(number).digest('base64');
for (const number of numbers) {
  console.log(`[${number}](wakeline-page)
aors=${number}
auth=${number}-proof
callerid=<${number}>
from_domain=${domain}
[${number}-proof](wakeline-proof)
username=${number}
password=${password(number)}
realm=${domain}
[${number}](wakeline-line)
`);
}
