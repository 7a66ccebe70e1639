/** Election for one node: always elected, but under a new and larger term each time. */

import type { Election } from '../scheduler/ports.ts';

/** What issues terms: the store that checks them. */
export interface TermSource {
  /** Makes a new term durable; every smaller one is refused from then on. */
  campaign(): Promise<number>;
}

export function createSoloElection(terms: TermSource): Election {
  let elected: (term: number) => void = () => undefined;
  let leading = false;
  return {
    onElected(listener) {
      elected = listener;
    },
    // Nobody else can be elected, so nobody deposes.
    onDeposed() {},
    async start() {
      const term = await terms.campaign();
      leading = true;
      elected(term);
    },
    async stop() {
      leading = false;
    },
    isFresh: () => leading,
  };
}
