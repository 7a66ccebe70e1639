/** Pipelines: a run of a root, and all that follows from it. */

import { type Static, Type } from 'typebox';
import type { JobGlance } from '../../scheduler/handle.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { endStates, liveStates } from '../../scheduler/model/model.ts';
import { expectedBy, hasFailed, type PartState, type Pipeline } from '../../scheduler/read/pipeline.ts';
import { iso, isoOrNull } from './instants.ts';
import { WireRun } from './schema.ts';
import { count, instant, list, orNull, ref } from './shape.ts';
import { runToWire } from './to-wire.ts';

const partStates = [...liveStates, ...endStates, 'pending', 'none'] as const;

const WirePart = Type.Object(
  {
    job: Type.String(),
    state: oneOf(partStates, {
      description:
        'State of its newest run in the pipeline. pending: it waits for others of the pipeline. none: nothing of the pipeline reached it.',
    }),
    after: Type.Array(Type.String(), { description: 'Its parents in the pipeline.' }),
    run: orNull(ref(WireRun), { description: 'Its newest run in the pipeline.' }),
  },
  { $id: 'PipelinePart' },
);

const summary = {
  id: Type.String({ description: 'Id of the run that began it.' }),
  job: Type.String({ description: 'The job at its root.' }),
  due: instant(),
  state: oneOf(['running', 'succeeded', 'failed', 'skipped']),
  jobs: count('Jobs of the pipeline.'),
  counts: Type.Object(
    {
      succeeded: count('Succeeded.'),
      failed: count('Failed, killed, timed out or lost.'),
      skipped: count('Skipped or missed.'),
      running: count('Unfinished runs.'),
      pending: count('Waiting for others of the pipeline.'),
      none: count('Not reached.'),
    },
    { description: 'Jobs by what became of them.' },
  ),
  createdAt: instant(),
  endedAt: orNull(instant()),
  expectedBy: orNull(instant(), {
    description: 'By expect.pipelineBy of the root. Null also if it was not begun by its schedule.',
  }),
  lateMs: orNull(Type.Number(), {
    description: 'How long after expectedBy it ended, or how long it is passed now. Null: in time.',
  }),
  cut: Type.Boolean({ description: 'It has more jobs than are looked at.' }),
};

export const WirePipeline = Type.Object(summary, { $id: 'Pipeline' });
export type WirePipeline = Static<typeof WirePipeline>;
export const WirePipelineList = list(ref(WirePipeline), 'PipelineList');
export type WirePipelineList = Static<typeof WirePipelineList>;

export const WireWholePipeline = Type.Object(
  { ...summary, parts: Type.Array(ref(WirePart), { description: 'Parents before their children.' }) },
  { $id: 'WholePipeline' },
);
export type WireWholePipeline = Static<typeof WireWholePipeline>;

export const pipelineParts = [WirePart, WirePipeline, WirePipelineList, WireWholePipeline];

export function pipelineToWire(
  pipeline: Pipeline,
  { root, now }: { readonly root: JobGlance | undefined; readonly now: number },
): WirePipeline {
  const { state, parts, endedAt, cut } = pipeline;
  const { id, job, due, createdAt } = pipeline.root;
  const by = root === undefined ? null : expectedBy(root, pipeline.root);
  const overMs = by === null ? 0 : (endedAt ?? now) - by;
  return {
    ...{
      id,
      job,
      due: iso(due),
      state,
      jobs: parts.length,
      counts: countsOf(parts.map((part) => part.state)),
    },
    createdAt: iso(createdAt),
    endedAt: isoOrNull(endedAt),
    expectedBy: isoOrNull(by),
    lateMs: overMs > 0 ? overMs : null,
    cut,
  };
}

export const wholePipelineToWire = (
  pipeline: Pipeline,
  known: Parameters<typeof pipelineToWire>[1],
): WireWholePipeline => ({
  ...pipelineToWire(pipeline, known),
  parts: pipeline.parts.map(({ job, state, after, run }) => ({
    ...{ job, state, after: [...after] },
    run: run === null ? null : runToWire(run),
  })),
});

function countsOf(states: readonly PartState[]): WirePipeline['counts'] {
  const counts = { succeeded: 0, failed: 0, skipped: 0, running: 0, pending: 0, none: 0 };
  for (const state of states) {
    if (hasFailed(state)) counts.failed += 1;
    else if (state === 'succeeded' || state === 'pending' || state === 'none') counts[state] += 1;
    else if (state === 'skipped' || state === 'missed') counts.skipped += 1;
    else counts.running += 1;
  }
  return counts;
}
