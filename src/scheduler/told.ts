/** What the edges tell about access, for the leader to keep: lines of the audit, uses of tokens, ends of sessions. */

import type { NotedLine } from './command.ts';
import type { SchedulerHandle } from './handle.ts';

export interface TokenUse {
  readonly id: string;
  readonly at: number;
  readonly from: string;
}

/** The end of one session. */
export interface SessionEnd {
  readonly id: string;
  /** Whose it is. */
  readonly by: string;
}

export interface Told {
  readonly lines: readonly NotedLine[];
  readonly uses: readonly TokenUse[];
  readonly ends: readonly SessionEnd[];
}

/**
 * Submits it, ends first: somebody waits for these. `by`: the node that tells it. Resolves when all of it is durable.
 * NOT_LEADING, STORE_UNAVAILABLE.
 */
export async function submitTold(
  scheduler: Pick<SchedulerHandle, 'submit'>,
  { lines, uses, ends }: Told,
  by: string,
): Promise<void> {
  for (const { id, by: whose } of ends) await scheduler.submit({ kind: 'end-sessions', id, by: whose });
  if (lines.length > 0) await scheduler.submit({ kind: 'note', lines, by });
  if (uses.length > 0) await scheduler.submit({ kind: 'note-use', uses, by });
}
