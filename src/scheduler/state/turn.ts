/** One decision while it is being made: the state it changes, and what it collects. */

import type { Run } from '../model/model.ts';
import type { Draft } from './decision.ts';
import type { State } from './state.ts';

export interface Turn {
  readonly state: State;
  readonly draft: Draft;
  /** Runs that ended in this turn and whose children and successors have not been told; see `settle`. */
  readonly ended: Run[];
  /** Limits that have a place more since this turn began. */
  readonly freed: Set<string>;
}

export function newTurn(state: State, draft: Draft): Turn {
  return { state, draft, ended: [], freed: new Set() };
}
