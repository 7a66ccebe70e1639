/** Election for one node: always elected, but under a new and larger term each time. */

import type { Election, Member } from '../scheduler/ports.ts';

/** What issues terms: the store that checks them. */
export interface TermSource {
  /** Makes a new term durable; every smaller one is refused from then on. */
  campaign(): Promise<number>;
}

export function createSoloElection(terms: TermSource, self: Member): Election {
  let elected: (term: number) => void = () => undefined;
  let leading = false;
  let newest = 0;
  /** Grows with each start and stop: a campaign that a stop overtook elects nobody. */
  let turn = 0;
  return {
    onElected(listener) {
      elected = listener;
    },
    // Nobody else can be elected, so nobody deposes.
    onDeposed() {},
    async start() {
      turn += 1;
      const mine = turn;
      const term = await terms.campaign();
      if (mine !== turn) return;
      leading = true;
      newest = term;
      elected(term);
    },
    async stop() {
      turn += 1;
      leading = false;
    },
    isFresh: () => leading,
    members: () => [self],
    leader: () => (leading ? self : null),
    term: () => newest,
  };
}
