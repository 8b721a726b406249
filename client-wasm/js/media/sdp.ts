/** What a description says of sound, changed as the user wants it (RFC 8866; Opus: RFC 7587). Pure. */

/** Codecs that can be chosen. */
export type Codec = 'opus' | 'PCMU' | 'PCMA';

/** What is wanted of the codecs; what is left out stays as the browser has it. */
export interface CodecSettings {
  /** The wanted ones, the best first; others are neither offered nor taken. */
  codecs?: Codec[];
  /** Opus: what is lost is repaired from what follows it. */
  fec?: boolean;
  /** Opus: silence is not sent. */
  dtx?: boolean;
}

/** Static payload types that need no `rtpmap` (RFC 3551). */
const STATIC: Record<string, string> = { 0: 'PCMU', 8: 'PCMA', 13: 'CN' };
/** Stay in any case: digits, and noise for silence. */
const BESIDE = ['telephone-event', 'cn'];

/** The description as it is wanted. One that would be left without any codec keeps those that it has. */
export function shape(sdp: string, wanted: CodecSettings): string {
  const sections = sdp.split(/(?=^m=)/m);
  return sections.map((section) => (section.startsWith('m=audio') ? audio(section, wanted) : section)).join('');
}

function audio(section: string, { codecs, fec, dtx }: CodecSettings): string {
  const names = new Map<string, string>();
  for (const [, type, name] of section.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm)) names.set(type!, name!.toLowerCase());
  const nameOf = (type: string): string => names.get(type) ?? STATIC[type]?.toLowerCase() ?? '';
  let lines = section.split(/\r?\n/);
  const [, head, list] = /^(m=audio \d+(?:\/\d+)? \S+)((?: \d+)+)$/.exec(lines[0] ?? '') ?? [];
  if (!head || !list) return section;

  if (codecs?.length) {
    const types = list.trim().split(' ');
    const chosen = codecs.flatMap((codec) => types.filter((type) => nameOf(type) === codec.toLowerCase()));
    if (chosen.length) {
      const kept = [...chosen, ...types.filter((type) => BESIDE.includes(nameOf(type)))];
      lines[0] = `${head} ${kept.join(' ')}`;
      lines = lines.filter((line) => {
        const [, type] = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line) ?? [];
        return !type || kept.includes(type);
      });
    }
  }
  for (const [type, name] of names) {
    if (name === 'opus') lines = withParameters(lines, type, { useinbandfec: fec, usedtx: dtx });
  }
  return lines.join('\r\n');
}

/** Sets, or takes away, parameters of a format. */
function withParameters(lines: string[], type: string, wanted: Record<string, boolean | undefined>): string[] {
  const at = lines.findIndex((line) => line.startsWith(`a=fmtp:${type} `));
  const old = at < 0 ? [] : lines[at]!.slice(`a=fmtp:${type} `.length).split(';').map((one) => one.trim()).filter(Boolean);
  const decided = Object.entries(wanted).filter(([, on]) => on !== undefined);
  const kept = old.filter((one) => !decided.some(([name]) => one.split('=')[0]!.toLowerCase() === name));
  const next = [...kept, ...decided.filter(([, on]) => on).map(([name]) => `${name}=1`)];
  const line = next.length ? [`a=fmtp:${type} ${next.join(';')}`] : [];
  if (at >= 0) return [...lines.slice(0, at), ...line, ...lines.slice(at + 1)];
  const map = lines.findIndex((one) => one.startsWith(`a=rtpmap:${type} `));
  return map < 0 ? lines : [...lines.slice(0, map + 1), ...line, ...lines.slice(map + 1)];
}
