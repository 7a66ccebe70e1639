/** Where a run comes from: what made it due, and what began the chain of runs that led to it. */

import { Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import { orNull } from './shape.ts';

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
    kind: oneOf(['schedule', 'manual', 'rerun']),
    job: orNull(Type.String(), {
      description: 'The job that was started manually or run again. Null with schedule, or for several jobs.',
    }),
  },
  {
    description:
      'What began the chain of runs that led to this one. trigger says what made the run itself due.',
  },
);
