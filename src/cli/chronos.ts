/**
 * The jobs of a running Chronos or a saved list, converted to Carillon's: where they come from, what they
 * become, and when each runs next by the rules of both.
 */

import { CarillonError } from '../errors.ts';
import { nameTwice } from '../job-file/json-place.ts';
import type { Unmapped } from '../scheduler/chronos/aspects.ts';
import { chronosFires } from '../scheduler/chronos/fires.ts';
import type { ChronosJob, Generation } from '../scheduler/chronos/job.ts';
import { toDefinition } from '../scheduler/chronos/mapping.ts';
import { nativeName } from '../scheduler/chronos/names.ts';
import { readChronosJob, type Sent } from '../scheduler/chronos/read.ts';
import { onceNow } from '../scheduler/chronos/schedule.ts';
import { chronosWarnings } from '../scheduler/chronos/warnings.ts';
import type { JobDefinition } from '../scheduler/job/definition.ts';
import { timeSchedule } from '../scheduler/job/time-schedule.ts';
import { nextInstant } from '../scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../scheduler/schedule/parse.ts';
import type { Fetch } from './trust.ts';

/** All jobs in one response: Chronos builds it in memory, which takes time. */
const answerWithinMs = 120_000;
/** Number of runs compared. */
const comparedFires = 10;

export interface ChronosJobs {
  readonly jobs: readonly unknown[];
  readonly generation: Generation;
}

const listPaths: Readonly<Record<Generation, string>> = { 2: '/scheduler/jobs', 3: '/v1/scheduler/jobs' };

/** Fetches from a server, at the first of its addresses that exists. `credentials` is `user:password`. */
export async function fetchChronosJobs(
  address: string,
  credentials: string | null,
  generations: readonly Generation[] = [3, 2],
  fetch: Fetch = globalThis.fetch,
): Promise<ChronosJobs> {
  const url = new URL(address);
  const user =
    credentials ??
    (url.username === '' ? null : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  url.username = '';
  url.password = '';
  const headers = user === null ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  const base = url.href.replace(/\/+$/, '');
  for (const generation of generations) {
    const path = listPaths[generation];
    const response = await ask(fetch, `${base}${path}`, headers);
    if (response.status === 404) continue;
    const jobs: unknown = response.ok ? await response.json().catch(() => null) : null;
    if (Array.isArray(jobs)) return { jobs, generation };
    throw noChronos(
      `${base}${path} answered ${response.status}${response.ok ? ', but not with a list of jobs' : ''}`,
    );
  }
  throw noChronos(`${base} has neither /v1/scheduler/jobs nor /scheduler/jobs`);
}

async function ask(fetch: Fetch, url: string, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(answerWithinMs) });
  } catch (error) {
    const { cause, message } = error as { cause?: { code?: string }; message: string };
    throw noChronos(`no response from ${url} (${cause?.code ?? message})`);
  }
}

const noChronos = (message: string): CarillonError =>
  new CarillonError('INVALID_FIELD', message, {
    field: 'source',
    allowed: 'the address of a Chronos server, or a saved list',
  });

/** Reads a saved list or a single job; it is from 2.x if a field shows it. */
export function readSavedJobs(text: string, source: string): ChronosJobs {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new CarillonError('INVALID_BODY', `${source} is not valid JSON.`, {
      source,
      allowed: 'a list of jobs from Chronos',
    });
  }
  const twice = nameTwice(text);
  if (twice !== null) {
    const { name, place } = twice;
    const at = `${source}:${place.line}:${place.column}`;
    throw new CarillonError(
      'INVALID_BODY',
      `${at}: the name ${JSON.stringify(name)} occurs twice in one object.`,
      { source: at, allowed: 'each name once' },
    );
  }
  const jobs = Array.isArray(json) ? json : [json];
  const old = jobs.some(
    (job) => typeof job === 'object' && job !== null && ('epsilon' in job || 'async' in job),
  );
  return { jobs, generation: old ? 2 : 3 };
}

/** A job to be imported. */
export interface Moving {
  readonly sent: Sent;
  readonly name: string;
  readonly definition: JobDefinition;
  readonly warnings: readonly string[];
  /** Epoch milliseconds. */
  readonly fires: { readonly chronos: readonly number[]; readonly carillon: readonly number[] };
}

export interface Refused {
  readonly name: string;
  readonly message: string;
}

export interface MoveOptions {
  readonly generation: Generation;
  readonly now: number;
  readonly paused: boolean;
  /** Existing jobs by name: starts that were filled in earlier are kept. */
  readonly known: ReadonlyMap<string, JobDefinition>;
  readonly unmapped: ReadonlyMap<string, readonly Unmapped[]>;
}

/** Converts each job, or reports why it cannot be converted. */
export function moveJobs(
  jobs: readonly unknown[],
  options: MoveOptions,
): { moving: Moving[]; refused: Refused[] } {
  const moving: Moving[] = [];
  const refused: Refused[] = [];
  for (const job of jobs) {
    const name = String((job as { name?: unknown } | null)?.name ?? '?');
    try {
      moving.push(moveJob(readChronosJob(job), options));
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      refused.push({ name, message: error.message });
    }
  }
  return { moving, refused };
}

function moveJob(sent: Sent, { generation, now, paused, known, unmapped }: MoveOptions): Moving {
  const { job } = sent;
  const name = nativeName(job.name);
  const dropped = unmapped.get(name) ?? [];
  const begun = known.get(name)?.chronos?.begins;
  const base = toDefinition(sent, {
    generation,
    now: typeof begun === 'number' ? begun : now,
    before: null,
    unmapped: dropped,
  });
  const definition: JobDefinition = {
    ...base,
    // Jobs disabled in Chronos get another label, so that resuming the imported jobs by label leaves them
    // alone.
    labels: { imported: job.disabled ? 'chronos-disabled' : 'chronos' },
    paused: paused || job.disabled,
  };
  return {
    sent,
    name,
    definition,
    warnings: [...sent.taken, ...chronosWarnings(job, dropped)],
    fires: job.parents === null ? firesOf(job, definition, now) : { chronos: [], carillon: [] },
  };
}

function firesOf(job: ChronosJob, definition: JobDefinition, now: number): Moving['fires'] {
  const chronos = chronosFires({ ...job, schedule: job.schedule || onceNow }, { now, most: comparedFires });
  const input = timeSchedule(definition.schedule);
  const carillon: number[] = [];
  if (input !== null) {
    const schedule = compileSchedule(resolveSchedule(input, { hashSeed: definition.name, now }).resolved);
    const first = nextInstant(schedule, -1);
    // One immediate run stands for all that have passed.
    if (first !== null && first <= now) carillon.push(now);
    let next = nextInstant(schedule, now);
    for (; next !== null && carillon.length < comparedFires; next = nextInstant(schedule, next))
      carillon.push(next);
  }
  return { chronos, carillon };
}
