/** One decision in progress: the state it changes, and what it collects. */

import type { Run } from '../model/model.ts';
import type { AuditLine } from '../model/token.ts';
import type { Draft } from './decision.ts';
import type { State } from './state.ts';

/** Who asked for what a turn does. */
export type Request = Pick<AuditLine, 'action' | 'by' | 'from' | 'via'>;

export interface Turn {
  readonly state: State;
  readonly draft: Draft;
  /** Runs that ended in this turn and whose children and successors have not been notified; see `propagateEnds`. */
  readonly ended: Run[];
  /** Limits with a freed slot since this turn began. */
  readonly freed: Set<string>;
  /** Whose command it is. Null: nobody's, or one that the audit leaves out. */
  readonly request: Request | null;
}

export function newTurn(state: State, draft: Draft, request: Request | null = null): Turn {
  return { state, draft, ended: [], freed: new Set(), request };
}
