/** Election for a single node: always elected, each time with a new and larger term. */

import type { Election, Member } from '../scheduler/ports.ts';

/** Issues terms: the store that checks them. */
export interface TermSource {
  /** Makes a new term durable; every smaller one is refused from then on. */
  campaign(): Promise<number>;
}

export function createSoloElection(terms: TermSource, self: Member): Election {
  let elected: (term: number) => void = () => undefined;
  let leading = false;
  let newest = 0;
  /** Increases with each start and stop: a campaign overtaken by a stop elects nobody. */
  let turn = 0;
  return {
    onElected(listener) {
      elected = listener;
    },
    // No other node can be elected, so nothing deposes this one.
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
