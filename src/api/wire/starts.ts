/** Request and response of a start of several jobs. */

import { type Static, Type } from 'typebox';
import { apiLimits } from './limits.ts';
import { WireRun } from './schema.ts';
import { count, orNull, ref } from './shape.ts';

export const WireTriggerMany = Type.Object(
  {
    jobs: Type.Array(Type.String({ maxLength: 128 }), {
      minItems: 1,
      maxItems: apiLimits.startJobs,
      description: 'Names of jobs.',
    }),
  },
  { additionalProperties: false },
);
export type WireTriggerMany = Static<typeof WireTriggerMany>;

export const WireStart = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'True: nothing was started.' }),
    counts: Type.Object({
      started: count('Jobs that start at once.'),
      following: count('Jobs that start after others of them.'),
    }),
    jobs: Type.Array(
      Type.Object({
        job: Type.String(),
        after: Type.Array(Type.String(), {
          description:
            'Parents that this start brings to an end. The job runs once, when all of them have ended. Empty: it starts at once.',
        }),
        others: Type.Array(Type.String(), {
          description:
            'Parents of a following job that it does not wait for, because nothing in this start runs them.',
        }),
        skip: orNull(Type.String(), {
          description:
            'Why its run will be skipped as things are: an unfinished run, or a pause of a following job. Null with a run.',
        }),
        run: orNull(ref(WireRun), { description: 'Null in a dry run, and for jobs that follow.' }),
      }),
      { description: 'By name.' },
    ),
  },
  { $id: 'Start' },
);
export type WireStart = Static<typeof WireStart>;
