/** Request and response of a start of several jobs. */

import { type Static, Type } from 'typebox';
import { givenParams } from './given-params.ts';
import { apiLimits } from './limits.ts';
import { why } from './reason.ts';
import { WireRun } from './schema.ts';
import { count, orNull, ref } from './shape.ts';

export const WireTriggerMany = Type.Object(
  {
    jobs: Type.Array(Type.String({ maxLength: 128 }), {
      minItems: 1,
      maxItems: apiLimits.startJobs,
      description: 'Job names.',
    }),
    params: Type.Optional(
      givenParams('Parameters. Each job gets those that it declares in params, also if it follows others.'),
    ),
  },
  { additionalProperties: false },
);
export type WireTriggerMany = Static<typeof WireTriggerMany>;

export const WireStart = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'True if nothing was started.' }),
    counts: Type.Object({
      started: count('Number of jobs that start at once.'),
      following: count('Number of jobs that start after others in this request.'),
    }),
    jobs: Type.Array(
      Type.Object({
        job: Type.String(),
        after: Type.Array(Type.String(), {
          description:
            'Parents that this start runs. The job runs once, when all of them have ended. Empty: the ' +
            'job starts at once.',
        }),
        others: Type.Array(Type.String(), {
          description: 'Parents that the job does not wait for, because nothing in this start runs them.',
        }),
        skip: orNull(Type.String(), {
          description:
            'Why the run will be skipped: an unfinished run, or the job is paused. Null with a run.',
        }),
        run: orNull(ref(WireRun), {
          description: 'Null in a dry run, and for jobs that start after others.',
        }),
        skipWhy: why,
      }),
      { description: 'By name.' },
    ),
  },
  { $id: 'Start' },
);
export type WireStart = Static<typeof WireStart>;
