/** One round: a run of a job, and what followed from it. */

import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CarillonError } from '../../../errors.ts';
import { hasLine } from '../../../scheduler/model/ids.ts';
import type { Run } from '../../../scheduler/model/model.ts';
import { newestDue } from '../../../scheduler/read/grid.ts';
import { jobsBelow } from '../../../scheduler/read/jobs-below.ts';
import { pathOf, roundOf } from '../../../scheduler/read/round.ts';
import { type ApiContext, type Reading, readingFor } from '../../context.ts';
import { answers, instantText, named } from '../../endpoint.ts';
import { pastOfJobs } from '../../lists/grid-past.ts';
import { sendLong } from '../../long-answer.ts';
import { type WireRound as Round, WireRound } from '../../wire/grid.ts';
import { dayMs, iso, isoOrNull, readInstant } from '../../wire/instants.ts';
import { apiLimits } from '../../wire/limits.ts';
import { ref } from '../../wire/shape.ts';
import { runToWire } from '../../wire/to-wire.ts';

const params = Type.Object({
  ...named.properties,
  due: instantText('Due time of the round. ISO 8601.'),
});
type Params = { readonly name: string; readonly due: string };

/** Jobs that run once per interval, or wait for rare parents, follow within this time. */
const LONGEST_MS = 32 * dayMs;
/** Rounds before this one that are named, to compare it with them. */
const OTHERS = 20;

export function roundRoute(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Params }>(
    '/jobs/:name/rounds/:due',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read one round of a job and of all jobs that depend on it',
        description:
          'The newest run of each job for this due time; of jobs that join several parents or run once per ' +
          `interval, the first run that a run of the round triggered. At most ${apiLimits.gridJobs} jobs.`,
        tags: ['runs'],
        operationId: 'getRound',
        params,
        response: answers({ 200: { description: 'The round', schema: ref(WireRound) } }, [
          'JOB_NOT_FOUND',
          'LIMIT_EXCEEDED',
        ]),
      },
    },
    async (request, reply) => {
      const { name, due } = request.params;
      return sendLong(
        reply,
        context,
        await round(readingFor(context, request), name, readInstant(due, 'due', 'path')),
      );
    },
  );
}

async function round(reading: Reading, name: string, due: number): Promise<Round> {
  const { scheduler } = reading;
  const now = scheduler.now();
  const root = scheduler.job(name).job.name;
  const { jobs, cut } = await reading.turns.drive(jobsBelow(scheduler.reader(), root, apiLimits.gridJobs));
  if (cut) throw tooMany(root);
  const span = { fromMs: due, toMs: due + LONGEST_MS };
  const pasts = await pastOfJobs(
    reading,
    jobs.map((job) => job.name),
    span,
  );
  const candidates = new Map<string, readonly Run[]>(
    jobs.map((job, index) => [job.name, pasts[index]?.runs ?? []]),
  );
  const runs = roundOf(jobs, candidates, due);
  const path = pathOf(jobs, runs, { due, now });
  const { before, after } = await neighbours(reading, root, due);
  return {
    job: root,
    due: iso(due),
    at: iso(now),
    jobs: jobs.map((job) => {
      const run = runs.get(job.name);
      return { name: job.name, parents: [...job.parents], run: run === undefined ? null : runToWire(run) };
    }),
    criticalPath: { jobs: [...path.jobs], totalMs: path.totalMs },
    before: before.map(iso),
    after: isoOrNull(after),
  };
}

/** Due times of the root around this one; `before`: newest first. */
async function neighbours(
  reading: Reading,
  root: string,
  due: number,
): Promise<{ readonly before: number[]; readonly after: number | null }> {
  const duesIn = async (from: number, to: number, most: number): Promise<number[]> => {
    const [past] = await pastOfJobs(reading, [root], { fromMs: from, toMs: to });
    if (past === undefined) return [];
    const dues = await reading.turns.drive(
      newestDue({ ...past, runs: past.runs.filter(hasLine) }, { from, to, most }),
    );
    return dues;
  };
  const before = await duesIn(0, due, OTHERS);
  const after = await duesIn(due + 1, reading.scheduler.now() + dayMs, Number.MAX_SAFE_INTEGER);
  return { before, after: after.at(-1) ?? null };
}

function tooMany(root: string): CarillonError {
  return new CarillonError(
    'LIMIT_EXCEEDED',
    `More than ${apiLimits.gridJobs} jobs depend on ${root}, directly or indirectly.`,
    {
      field: 'name',
      value: root,
      allowed: `a job on which at most ${apiLimits.gridJobs - 1} others depend`,
      source: 'path',
    },
  );
}
