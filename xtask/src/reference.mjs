// The reference of the TypeScript API, from the declarations that the package ships: those are generated from the Rust types and the
// entries, with their doc comments. `node reference.mjs TYPES [FILE]` writes it to FILE, or to standard output.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const HEAD = `# TypeScript API

Made from the doc comments by \`cargo xtask docs\`; do not edit. Three examples stand in [examples](../examples/README.md).
`;

/** Declarations of a file at one indent: each with its doc comment and its text. */
function statements(lines) {
  const found = [];
  let [doc, text] = ['', []];
  let depth = 0;
  for (const line of lines) {
    if (!text.length) {
      if (!line.trim()) continue;
      // A comment before another one is the file's own.
      if (/^\/\*\*/.test(line) && (!doc || doc.includes('*/'))) doc = line;
      else if (doc && !doc.includes('*/')) doc += `\n${line}`;
      else text = [line];
      if (!text.length) continue;
    } else text.push(line);
    const bare = line.replace(/'[^']*'|"[^"]*"|\/\*\*.*?\*\//g, '').replace(/=>/g, '');
    for (const sign of bare) depth += '{(['.includes(sign) ? 1 : '})]'.includes(sign) ? -1 : 0;
    if (depth > 0 || !/[;},]\s*$/.test(line)) continue;
    found.push({ doc: words(doc), text });
    [doc, text, depth] = ['', [], 0];
  }
  return found;
}

const words = (comment) => comment.replace(/^\/\*\*|\*\/$/g, '').split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trimEnd()).join(' ').replace(/\s+/g, ' ').trim();
const NAME = /^export (?:declare )?(?:abstract )?(class|interface|type|const|function) (\w+)/;

function declarations(text) {
  const found = new Map();
  for (const { doc, text: lines } of statements(text.split('\n'))) {
    const [, kind, name] = NAME.exec(lines[0]) ?? [];
    if (name) found.set(name, { kind, name, doc, lines });
  }
  return found;
}

/** What a module hands out, in its own order: its own, and what it names of others. */
function exported(types, file) {
  const text = readFileSync(join(types, file), 'utf8');
  const own = declarations(text);
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  const all = [...own.values()];
  for (const [, star, list, from] of text.matchAll(/^export (?:type )?(?:(\*)|\{([^}]*)\}) from '([^']+)';/gms)) {
    const target = new URL(from.replace(/\.(js|ts)$/, '.d.ts'), `file:///${folder}`).pathname.slice(1);
    const others = star ? exported(types, target) : [...declarations(readFileSync(join(types, target), 'utf8')).values()];
    const wanted = star ? null : list.split(',').map((name) => name.trim().replace(/^type /, '')).filter(Boolean);
    for (const one of others) if (!wanted || wanted.includes(one.name)) all.push(one);
    const missing = wanted?.filter((name) => !others.some((one) => one.name === name)) ?? [];
    if (missing.length) throw new Error(`${file} hands out ${missing.join(', ')}, which ${target} does not have`);
  }
  return all;
}

const code = (lines) => lines.join(' ').replace(/\s+/g, ' ').trim().replace(/;$/, '');
const HIDDEN = /^(#private|private |readonly \[|get \[|set \[|\[|addEventListener|removeEventListener|static #)/;

function section({ kind, name, doc, lines }) {
  const out = [`### ${kind} \`${name}\``, ''];
  if (doc) out.push(doc, '');
  if (kind === 'class' || kind === 'interface') {
    const head = code([lines[0].replace(/\{\s*\}?$/, '')]).replace(/^export (declare )?/, '');
    if (/ extends | implements /.test(head)) out.push(`\`${head}\``, '');
    const body = lines.slice(1, -1).map((line) => line.replace(/^ {4}/, ''));
    for (const member of statements(body)) {
      const text = code(member.text);
      if (HIDDEN.test(text)) continue;
      out.push(`- \`${text}\`${member.doc ? `: ${member.doc}` : ''}`);
    }
  } else {
    // Comments inside of a type would be lost on one line.
    out.push('```ts', ...lines.map((line) => line.replace(/^export (declare )?/, '')), '```');
  }
  return `${out.join('\n').trimEnd()}\n`;
}

export function reference(types) {
  const entries = [['wakeline', 'client-wasm/js/package.d.ts'], ['wakeline/media', 'client-wasm/js/media/index.d.ts']];
  const parts = entries.map(([entry, file]) => {
    const text = readFileSync(join(types, file === 'client-wasm/js/package.d.ts' ? 'client-wasm/js/index.d.ts' : file), 'utf8');
    const about = words(/^\/\*\*[^]*?\*\//.exec(text)?.[0] ?? '');
    return [`## \`${entry}\``, '', about, '', ...exported(types, file).map(section)].join('\n');
  });
  return `${[HEAD, ...parts].join('\n').trimEnd()}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [types, file] = process.argv.slice(2);
  const text = reference(types);
  if (file) writeFileSync(file, text);
  else process.stdout.write(text);
}
