/**
 * Who asked, told to another node: a signed text for one request (its method and path) and one minute. A node that asks
 * for itself is its own asker.
 */

import type { Asker, Principal } from '../scheduler/access/principal.ts';
import type { Passed } from '../who-asks/question.ts';
import type { Keys } from './keys.ts';

const lifeMs = 60_000;
/** By how much the clocks of two nodes may differ. */
const skewMs = 30_000;

export class Askers {
  readonly #keys: Keys;
  readonly #self: string;

  /** `self`: the id of this node. */
  constructor(keys: Keys, self: string) {
    this.#keys = keys;
    this.#self = self;
  }

  sign({ principal, from }: Asker, { method, path }: Passed): Promise<string> {
    return this.#keys.sign('asker', { principal, from, via: this.#self, method, path }, lifeMs);
  }

  /** Null: it is not of a node of this installation, or of another request. */
  async verify(text: string, { method, path }: Passed): Promise<Asker | null> {
    const claims = (await this.#keys.verify('asker', text, skewMs))?.claims;
    if (claims === undefined || claims.method !== method || claims.path !== path) return null;
    const { principal, from, via } = claims as { principal: Principal; from: string | null; via: string };
    return { principal, from, via };
  }
}
