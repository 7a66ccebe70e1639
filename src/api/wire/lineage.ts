/** Where a run comes from: what made it due, and what began the chain of runs that led to it, and what it stands for. */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { Interval } from '../../scheduler/model/model.ts';
import { iso } from './instants.ts';
import { instant, orNull } from './shape.ts';

export const trigger = Type.Object({
  kind: oneOf(['schedule', 'parents', 'manual', 'rerun']),
  by: orNull(Type.String(), { description: 'Who triggered the run.' }),
  of: orNull(Type.String(), { description: 'For a rerun: the run that it repeats.' }),
  catchUp: Type.Boolean({
    description:
      'With schedule: the due time had passed when the run was decided, and the catch-up policy or the start window still allowed it.',
  }),
});

export const origin = Type.Object(
  {
    kind: oneOf(['schedule', 'manual', 'rerun', 'backfill']),
    job: orNull(Type.String(), {
      description:
        'The job that was started manually or run again. Null with schedule and backfill, or for several jobs.',
    }),
  },
  {
    description:
      'What began the chain of runs that led to this one. trigger says what made the run itself due.',
  },
);

export const interval = orNull(Type.Object({ start: instant(), end: instant() }), {
  description: 'What the run stands for: from the due time before it, inclusive, to its own, exclusive.',
});

/** Fields of a run. */
export const lineageFields = { trigger, origin, interval };

export const intervalToWire = (value: Interval | undefined): Static<typeof interval> =>
  value === undefined ? null : { start: iso(value.from), end: iso(value.to) };
