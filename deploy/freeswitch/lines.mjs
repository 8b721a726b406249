#!/usr/bin/env node
// The lines of pages, for directory.xml:
//
//   WAKELINE_SIP_SECRET=… node lines.mjs phone.example.com 1001 1002 … > conf/lines.xml && fs_cli -x reloadxml
//
// Numbers may also come one a line on standard input. The secret is `sip_secret` of the site, whose `sip.scheme` is `derived`: a page's
// password is base64 of HMAC-SHA1 over its number. Only H(A1) of it is written.
import { createHash, createHmac } from 'node:crypto';
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
const ha1 = (number) => createHash('md5').update(`${number}:${domain}:${password(number)}`).digest('hex');
console.log('<include>');
for (const number of numbers) {
  console.log(`  <user id="${number}">
    <params><param name="a1-hash" value="${ha1(number)}"/></params>
    <variables><variable name="effective_caller_id_number" value="${number}"/></variables>
  </user>`);
}
console.log('</include>');
