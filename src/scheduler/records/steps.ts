/** Steps from one version of a stored record to the next. Only this file knows forms that are no longer written. */

import type { Step, Stored } from './kind.ts';

const letters: Readonly<Record<string, string>> = { m: 'manual', r: 'rerun' };

/** In version 1, the first letter of a variant was the lineage. */
function begunBy(variant: unknown): { lineage?: string } {
  const lineage = letters[String(variant ?? '').charAt(0)];
  return lineage === undefined ? {} : { lineage };
}

/** Version 2 of runs has their lineage, and whether they catch up. */
export const runWithLineage: Step = (older) => {
  const { variant, trigger, catchesUp, inRow } = older as { trigger: Stored } & Stored;
  const isLate = trigger.kind === 'schedule' && (catchesUp !== undefined || inRow === true);
  return { ...older, ...begunBy(variant), trigger: isLate ? { ...trigger, catchUp: true } : trigger };
};

interface OldRound extends Stored {
  readonly ends: Readonly<Record<string, Stored>>;
}

/** Version 2 of states has the lineage of each round and of each entry in it. */
export const stateWithLineage: Step = (older) => {
  const join = older.join as ({ open: OldRound[]; recent: OldRound[] } & Stored) | null | undefined;
  if (join == null) return older;
  const withLineage = (round: OldRound): Stored => ({
    ...round,
    ...begunBy(round.variant),
    ends: Object.fromEntries(
      Object.entries(round.ends).map(([parent, end]) => [parent, { ...end, ...begunBy(end.variant) }]),
    ),
  });
  return {
    ...older,
    join: { ...join, open: join.open.map(withLineage), recent: join.recent.map(withLineage) },
  };
};

/** Reasons were texts. The text is kept under the code `text`; no code is guessed from it. */
function withReason<T extends Stored>(holder: T): T {
  const { reason } = holder;
  return typeof reason === 'string' ? { ...holder, reason: { code: 'text', text: reason } } : holder;
}

/** Version 3 of runs has reasons with codes. */
export const runWithReasons: Step = (older) => ({
  ...withReason(older),
  attempts: (older.attempts as Stored[]).map(withReason),
  ...(older.kill != null && { kill: withReason(older.kill as Stored) }),
});

/** Version 2 of ledger lines has a reason with a code. */
export const lineWithReason: Step = withReason;

/** Version 3 of states: the reason of a disabled job, and those of lines that may be taken back. */
export const stateWithReasons: Step = ({ disabled, leaps, ...older }) => ({
  ...older,
  ...(disabled != null && { disabled: withReason(disabled as Stored) }),
  ...(leaps !== undefined && {
    leaps: (leaps as { line: Stored }[]).map((leap) => ({ ...leap, line: withReason(leap.line) })),
  }),
});
