/** One decision in progress: the state it changes, and what it collects. */

import type { Run } from '../model/model.ts';
import type { Draft } from './decision.ts';
import type { State } from './state.ts';

export interface Turn {
  readonly state: State;
  readonly draft: Draft;
  /** Runs that ended in this turn and whose children and successors have not been notified; see `propagateEnds`. */
  readonly ended: Run[];
  /** Limits with a freed slot since this turn began. */
  readonly freed: Set<string>;
}

export function newTurn(state: State, draft: Draft): Turn {
  return { state, draft, ended: [], freed: new Set() };
}
