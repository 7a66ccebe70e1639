/** Requests and responses of backfills. */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import {
  type Backfill,
  type BackfillPlan,
  backfillVariant,
  chosenFates,
  countSteps,
  type StepState,
  signs,
} from '../../scheduler/model/backfill.ts';
import { runId } from '../../scheduler/model/ids.ts';
import { statusOfBackfill, stepViews } from '../../scheduler/read/backfill.ts';
import { iso, isoOrNull } from './instants.ts';
import { apiLimits } from './limits.ts';
import { WireTrigger } from './schema.ts';
import { count, instant, list, orNull, ref } from './shape.ts';

const stepStates = Object.keys(signs) as StepState[];
const statuses = ['running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled'] as const;
const does = oneOf(['run', 'mark-succeeded']);

const text = (description: string) => Type.Optional(Type.String({ maxLength: 512, description }));

export const WireNewBackfill = Type.Object(
  {
    jobs: Type.Optional(
      Type.Array(Type.String({ maxLength: 128 }), {
        minItems: 1,
        maxItems: apiLimits.backfillJobs,
        description: 'Job names. Either these or a filter.',
      }),
    ),
    filter: Type.Optional(
      Type.Object(
        {
          q: text('Part of the name, the description or the owner, ignoring case.'),
          label: Type.Optional(
            Type.Array(Type.String({ maxLength: 512 }), {
              maxItems: 16,
              description: 'team (has the label) or team=sales (has it with this value). All must match.',
            }),
          ),
          owner: text('The owner as in the definition.'),
        },
        { additionalProperties: false, description: 'All jobs that match, without those run by others.' },
      ),
    ),
    due: Type.Optional(
      Type.String({ maxLength: 64, description: 'One due time, instead of a range. ISO 8601.' }),
    ),
    from: Type.Optional(
      Type.String({ maxLength: 64, description: 'Start of the range of due times, included. ISO 8601.' }),
    ),
    to: Type.Optional(
      Type.String({ maxLength: 64, description: 'End of the range, not included. Default: now. ISO 8601.' }),
    ),
    only: Type.Optional(
      Type.Array(oneOf(chosenFates), {
        maxItems: chosenFates.length,
        description:
          'Only due times that ended so. missed: passed over, also if a later run stood for it; never: the ledger has nothing. Default: all.',
      }),
    ),
    downstream: Type.Optional(
      Type.Boolean({ description: 'Run the jobs downstream as well, in their rounds. Default: false.' }),
    ),
    atOnce: Type.Optional(
      Type.Integer({ description: 'Maximum unfinished runs of the backfill, from 1 to 16. Default: 1.' }),
    ),
    newestFirst: Type.Optional(Type.Boolean({ description: 'Default: oldest first.' })),
    params: WireTrigger.properties.params,
    do: Type.Optional(
      oneOf(['run', 'mark-succeeded'], {
        description: 'mark-succeeded: count the due times as succeeded and launch nothing. Default: run.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type WireNewBackfill = Static<typeof WireNewBackfill>;

const WireStep = Type.Object({
  job: Type.String(),
  due: instant(),
  state: oneOf(stepStates, {
    description: 'dropped: ended without a run, because its job was deleted or is run by somebody else.',
  }),
  run: orNull(Type.String(), { description: 'Null: it has none.' }),
});

const left = Type.Array(Type.String(), {
  description:
    'Jobs downstream that do not follow, because they join parents with different due times, or because somebody else runs them.',
});
const steps = Type.Array(WireStep, { description: 'In the order in which they begin.' });
const expected = orNull(Type.Number(), {
  description:
    'How long what is left takes if every run takes as long as usual. Null: of some job it is not known.',
});

export const WireBackfillPlan = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'True: nothing was changed.' }),
    steps,
    left,
    unfinished: count('Due times that were left out because their own run has not ended.'),
    expectedMs: expected,
  },
  { $id: 'BackfillPlan' },
);
export type WireBackfillPlan = Static<typeof WireBackfillPlan>;

export const WireBackfill = Type.Object(
  {
    id: Type.String(),
    state: oneOf(statuses, { description: 'failed: it has ended, and some steps did not succeed.' }),
    jobs: Type.Array(Type.String(), { description: 'Parents first.' }),
    from: instant(),
    to: instant('Not included.'),
    only: Type.Array(oneOf(chosenFates)),
    downstream: Type.Boolean(),
    atOnce: count('Maximum unfinished runs.'),
    newestFirst: Type.Boolean(),
    params: Type.Record(Type.String(), Type.String()),
    do: does,
    counts: Type.Object({
      steps: count('All steps: a job at a due time.'),
      ...Object.fromEntries(stepStates.map((state) => [state, count(`Steps that are ${state}.`)])),
    } as { steps: ReturnType<typeof count> } & Record<StepState, ReturnType<typeof count>>),
    createdAt: instant(),
    createdBy: Type.String(),
    endedAt: orNull(instant()),
    expectedMs: expected,
    steps: Type.Optional(steps),
  },
  { $id: 'Backfill' },
);
export type WireBackfill = Static<typeof WireBackfill>;

export const WireBackfillList = list(ref(WireBackfill), 'BackfillList');
export type WireBackfillList = Static<typeof WireBackfillList>;

export function stepsToWire(plan: BackfillPlan, progress: string): WireBackfillPlan['steps'] {
  const variant = backfillVariant(plan.id);
  return stepViews(plan, progress).map(({ job, due, state }) => ({
    job,
    due: iso(due),
    state,
    run: state === 'waiting' || state === 'dropped' ? null : runId(job, due, variant),
  }));
}

export function backfillToWire(backfill: Backfill, expectedMs: number | null, whole: boolean): WireBackfill {
  const { id, jobs, options, progress, plan, createdAt, createdBy, endedAt } = backfill;
  const { from, to, only, params, does: task, ...rest } = options;
  return {
    id,
    state: statusOfBackfill(backfill),
    jobs: [...jobs],
    from: iso(from),
    to: iso(to),
    only: [...only],
    ...rest,
    params: { ...params },
    do: task,
    counts: { steps: progress.length, ...countSteps(progress) },
    createdAt: iso(createdAt),
    createdBy,
    endedAt: isoOrNull(endedAt),
    expectedMs,
    ...(whole && plan !== undefined && { steps: stepsToWire(plan, progress) }),
  };
}
