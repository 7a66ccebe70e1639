/** Wire schemas of the grid. See `schema.ts`. */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { GridState } from '../../scheduler/read/grid.ts';
import { jobStatuses, WireRun } from './schema.ts';
import { count, instant, orNull, ref } from './shape.ts';

/** The letter of each state in a cell. In upper case: its due time was run more than once, and the newest run is shown. */
export const gridLetters = {
  succeeded: 's',
  failed: 'f',
  killed: 'k',
  'timed-out': 't',
  lost: 'l',
  skipped: 'x',
  missed: 'm',
  'caught-up': 'c',
  ran: 'e',
  waiting: 'w',
  queued: 'q',
  launching: 'a',
  running: 'r',
  pending: 'p',
} as const satisfies Record<GridState, string>;

/** Nothing was due. */
export const EMPTY_CELL = '.';
/** There was too much to read. */
export const UNKNOWN_CELL = '?';

export const WireGrid = Type.Object(
  {
    at: instant('Time of this snapshot.'),
    by: oneOf(['rounds', 'days']),
    timezone: Type.String({ description: 'Zone of the days.' }),
    total: count('Number of all selected jobs, listed or not.'),
    jobs: Type.Array(
      Type.Object({
        name: Type.String(),
        level: count('Length in edges of the longest path to it among the selected jobs.'),
        parents: Type.Array(Type.String(), { description: 'Those of its parents that are selected.' }),
        labels: Type.Record(Type.String(), Type.String()),
        status: oneOf(jobStatuses),
      }),
      { description: 'Parents before children, each job behind the last of its parents.' },
    ),
    columns: Type.Array(
      Type.Object({
        from: instant('The due time of the round, or the start of the day.'),
        to: orNull(instant('End of the day, not included.'), {
          description:
            'Null for a round: it lasts until the next one, for runs that are due a little later than the root.',
        }),
        manual: Type.Boolean({ description: 'True if only starts by users have this due time.' }),
      }),
      { description: 'Oldest first.' },
    ),
    cells: Type.Array(Type.String(), {
      description:
        'For each job a text with one letter for each column, as `letters` says. An upper-case letter: the ' +
        `due time was run more than once, and the newest run is shown. \`${EMPTY_CELL}\`: nothing was due. ` +
        `\`${UNKNOWN_CELL}\`: there was too much to read; select fewer jobs or columns. A cell of several due ` +
        'times shows the worst.',
    }),
    letters: Type.Record(Type.String(), Type.String(), { description: 'The state that each letter means.' }),
    counts: orNull(Type.Array(Type.Array(Type.Integer({ minimum: 0 }))), {
      description: 'With by=days: for each job the number of due times in each column. Null for rounds.',
    }),
    worst: orNull(Type.Array(Type.Array(Type.Integer({ minimum: 0 }))), {
      description: 'With by=days: how many of these due times have the state of the cell. Null for rounds.',
    }),
    earlier: orNull(instant(), {
      description: 'Pass it as `to` to get the columns before these. Null: there are none.',
    }),
  },
  { $id: 'Grid' },
);
export type WireGrid = Static<typeof WireGrid>;

export const WireRound = Type.Object(
  {
    job: Type.String({ description: 'The job with which the round begins.' }),
    due: instant('Due time of the round.'),
    at: instant('Time of this snapshot.'),
    jobs: Type.Array(
      Type.Object({
        name: Type.String(),
        parents: Type.Array(Type.String(), { description: 'Those of its parents that are in the round.' }),
        run: orNull(ref(WireRun), {
          description: 'Null: it has none in this round, or it is no longer kept.',
        }),
      }),
      { description: 'Parents before children, each job behind the last of its parents.' },
    ),
    criticalPath: Type.Object({
      jobs: Type.Array(Type.String(), {
        description: 'From the run that ended last back over the parents that ended last. First job first.',
      }),
      totalMs: Type.Number({
        description:
          'To the end of its last job, or to now: from the due time of the round, or from when somebody began it, as in a backfill.',
      }),
    }),
    before: Type.Array(instant(), { description: 'Rounds before this one, newest first.' }),
    after: orNull(instant(), { description: 'The round after this one. Null: there is none yet.' }),
  },
  { $id: 'Round' },
);
export type WireRound = Static<typeof WireRound>;
