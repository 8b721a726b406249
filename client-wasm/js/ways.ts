/** What a page may want of a line at a SIP server, beyond what every page wants. */

/** Ways of a line at a SIP server that are not everybody's. What is left out is off, or as usual. */
export interface Ways {
  /** The servers' priorities and weights (RFC 2782), one for each `server`: an order by chance that keeps to them, in place of the given one. */
  weights?: { priority: number; weight: number }[];
  /**
   * Flows at the same time (RFC 5626), each a socket and a registration of its own, to as many of the servers; 1 when left out, 4 at most.
   * The line is registered while one of them is. A server that shall hold two is named twice.
   */
  flows?: number;
  /** Answers a call that asks for it without a person (RFC 5373). A microphone that strangers can open. */
  autoAnswer?: boolean;
  /** Asks for a globally routable address and uses it (RFC 5627). */
  gruu?: boolean;
  /** Says reliably that it rings (RFC 3262) to whoever takes that; to whoever insists it does in any case. */
  reliable?: boolean;
  /** Changes a call by UPDATE where the other side takes it (RFC 3311). */
  update?: boolean;
  /** The interval of session timers that is asked for, in seconds (RFC 4028); 1800 when left out, 0 asks for none. */
  sessionSeconds?: number;
  /** Calls at a time; whoever calls beyond them hears that the line is busy. 2 when left out. */
  calls?: number;
}
