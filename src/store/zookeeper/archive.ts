/**
 * Reads of the past: a job's past in the tables, merged with later log entries. Runs of all jobs are found
 * through each job's newest one, so that the cost of a page depends on the jobs on it and not on the fleet.
 */

import { nextRound } from '../../loop-round.ts';
import { jobInKey } from '../../scheduler/model/ids.ts';
import type { EndState, Run } from '../../scheduler/model/model.ts';
import type { Archive, RunQuery } from '../../scheduler/ports.ts';
import type { PastKind } from '../../scheduler/records/kind.ts';
import { decodeValue, pastKinds } from '../../scheduler/records/stored.ts';
import { archiveOver, comparePlaces, selected } from '../archive.ts';
import { decodeCursor, encodeCursor, type Place } from '../cursor.ts';
import { readPasts } from './past.ts';
import type { Newest, NewestRuns } from './past-index.ts';
import { folderOf } from './paths.ts';
import type { Past, Pending } from './pending.ts';
import { unavailable } from './tail.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/**
 * Jobs whose past is read at once for a page over all jobs; and the maximum for a page with at least one run.
 */
const JOBS_AT_ONCE = 64;
const MAX_JOBS = 2_048;
/** Pasts decoded before other work gets its turn. */
const PORTION = 8;

export interface ArchiveParts {
  readonly session: ZooKeeperSession;
  readonly pending: () => Pending;
  readonly newestRuns: () => Promise<NewestRuns>;
}

export function createZooKeeperArchive({ session, pending, newestRuns }: ArchiveParts): Archive {
  const runsFolder = folderOf('run-ended');

  async function pasts(folder: string, owners: readonly string[]): Promise<Past[]> {
    try {
      return await pending().holding(async () => {
        const stored = await readPasts(session, folder, owners);
        return stored.map((past, i) => pending().overlay(folder, owners[i] as string, past));
      });
    } catch (error) {
      throw unavailable(error);
    }
  }
  const pastOf = async (folder: string, owner: string): Promise<Past> =>
    (await pasts(folder, [owner]))[0] as Past;

  async function runsOf(query: RunQuery, job: string): Promise<{ items: Run[]; next: string | null }> {
    const fitting = runsIn(await pastOf(runsFolder, job))
      .filter(fits(query))
      .sort(newestFirst);
    return page(fitting, query.limit, false);
  }

  /** Reads jobs in order of their newest run, until the unread ones are older than the page. */
  async function runsOfAll(query: RunQuery): Promise<{ items: Run[]; next: string | null }> {
    const index = await newestRuns();
    const jobs = index.list();
    const found: Run[] = [];
    const wanted = fits(query);
    let unread = jobs[0]?.place ?? null;
    let sure = 0;
    for (let read = 0; unread !== null; ) {
      const some = jobs.slice(read, read + JOBS_AT_ONCE);
      for (const [i, each] of (
        await pasts(
          runsFolder,
          some.map(({ job }) => job),
        )
      ).entries()) {
        if (i % PORTION === PORTION - 1) await nextRound();
        const runs = runsIn(each);
        index.learn(some[i] as Newest, newestIn(runs));
        for (const run of runs) if (wanted(run)) found.push(run);
      }
      read += some.length;
      unread = jobs[read]?.place ?? null;
      if (unread !== null && unread[0] < (query.fromMs ?? Number.NEGATIVE_INFINITY)) unread = null;
      sure = found.filter(isBefore(unread)).length;
      // An empty page would make no progress: the next one would read the same jobs.
      if (sure > query.limit || (read >= MAX_JOBS && sure > 0)) break;
    }
    const runs = found.filter(isBefore(unread)).sort(newestFirst);
    return page(runs, query.limit, unread !== null);
  }

  return archiveOver({
    async past(kind, query) {
      const kept = (await pastOf(folderOf(kind), query.owner)).get(kind)?.values() ?? [];
      const { place } = pastKinds.get(kind) as PastKind<unknown>;
      const records = [...kept].map((record) => ({ record, place: place(record) }));
      return selected(records, query).map(({ record }) => decodeValue<typeof kind>(record));
    },
    runs: (query) => (query.job === undefined ? runsOfAll(query) : runsOf(query, query.job)),
    async run(id) {
      const job = jobInKey(id);
      const stored = job === '' ? undefined : (await pastOf(runsFolder, job)).get('run-ended')?.get(id);
      return stored === undefined ? null : decodeValue<'run-ended'>(stored);
    },
  });
}

const runsIn = (past: Past): Run[] =>
  [...(past.get('run-ended')?.values() ?? [])].map((record) => decodeValue<'run-ended'>(record));

function fits({ states, fromMs, toMs, cursor }: RunQuery): (run: Run) => boolean {
  const place: Place | null = cursor === undefined ? null : decodeCursor(cursor);
  const wanted = states === undefined ? null : new Set<string>(states satisfies readonly EndState[]);
  return (run) =>
    (wanted === null || wanted.has(run.state)) &&
    run.due >= (fromMs ?? Number.NEGATIVE_INFINITY) &&
    run.due < (toMs ?? Number.POSITIVE_INFINITY) &&
    (place === null || run.due < place[0] || (run.due === place[0] && run.id < place[1]));
}

/** `more`: there are others after all of `runs`. */
function page(runs: readonly Run[], limit: number, more: boolean): { items: Run[]; next: string | null } {
  const items = runs.slice(0, limit);
  const last = items.at(-1);
  const isEnd = last === undefined || (runs.length <= limit && !more);
  return { items, next: isEnd ? null : encodeCursor(placeOf(last)) };
}

const placeOf = ({ due, id }: Run): Place => [due, id];
const newestFirst = (a: Run, b: Run): number => comparePlaces(placeOf(b), placeOf(a));

/** Before the position in the list; everything is before null. */
const isBefore =
  (place: Place | null) =>
  (run: Run): boolean =>
    place === null || comparePlaces(placeOf(run), place) > 0;

/** A job without runs comes last. */
function newestIn(runs: readonly Run[]): Place {
  let newest: Place = [Number.NEGATIVE_INFINITY, ''];
  for (const run of runs) if (comparePlaces(placeOf(run), newest) > 0) newest = placeOf(run);
  return newest;
}
