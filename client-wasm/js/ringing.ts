/**
 * "180 Ringing" to the INVITE of the call that was tapped, where the core is not there to say it. What is copied is copied
 * (RFC 3261 §8.2.6.2), the rest the core has written ahead. Whatever is not as our edge writes it is left to the core.
 */

/** The fields of this name, whole. */
const fields = (lines: readonly string[], name: string): string[] => lines.filter((line) => line.startsWith(`${name}: `));

const head = (request: string): string[] => request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n').slice(1);

/** Whether this INVITE is the call of this wake. */
export const callsFor = (wake: string, invite: string): boolean =>
  fields(head(invite), 'Wakeline-Wake').some((line) => line === `Wakeline-Wake: ${wake};state=invited`);

/** The response, with our tag and what is ours; null where the core is wanted for it. */
export function ringing(invite: string, tag: string, ours: string): string | null {
  const lines = head(invite);
  // A folded line, or something that must be understood first.
  if (lines.some((line) => /^[ \t]/.test(line) || /^require[ \t]*:/i.test(line))) return null;
  const vias = fields(lines, 'Via');
  const [from, to, id, cseq] = ['From', 'To', 'Call-ID', 'CSeq'].map((name) => {
    const found = fields(lines, name);
    return found.length === 1 ? found[0] : undefined;
  });
  if (!vias.length || !from || !to || !id || !cseq || /;[ \t]*tag=/i.test(to)) return null;
  return ['SIP/2.0 180 Ringing', ...vias, from, `${to};tag=${tag}`, id, cseq, ...fields(lines, 'Record-Route'), ours].join('\r\n');
}
