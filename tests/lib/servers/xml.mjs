// libxml's judgement of a file, by its own command.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const XMLLINT = '/usr/bin/xmllint';

function check(path) {
  execFileSync(XMLLINT, ['--noout', path], { stdio: ['ignore', 'ignore', 'pipe'] });
}
check.text = (xml) => execFileSync(XMLLINT, ['--noout', '-'], { input: xml, stdio: ['pipe', 'ignore', 'pipe'] });
check.lines = (path) => readFileSync(path, 'utf8').split('\n');

/** Throws unless the file is well-formed; nothing where the machine has no libxml. */
export const wellFormed = existsSync(XMLLINT) ? check : null;
