/** A store full of everything that a backup has to keep, and all of it read back in a form that can be compared. */

import { writeFileSync } from 'node:fs';
import { freshState } from '../../src/scheduler/model/fresh-state.ts';
import type { JobStats } from '../../src/scheduler/model/model.ts';
import type { Store } from '../../src/scheduler/ports.ts';
import type { Write } from '../../src/scheduler/records/table.ts';
import { emptyHistograms } from '../../src/scheduler/stats/stats.ts';
import { job, run } from '../conformance/store.ts';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const nameOf = (i: number): string => `job-${String(i).padStart(4, '0')}`;

const stats = (name: string, day: string, seen: string): JobStats => ({
  name,
  day,
  today: { ...emptyHistograms, runTime: seen },
  before: { ...emptyHistograms, queueWait: seen },
});

/** Writes of one job: made, changed, with statistics of two days, ended runs and a ledger; `round` makes them differ. */
export function writesOf(i: number, round = 0): Write[] {
  const name = nameOf(i);
  const at = i * 10 + round;
  const text = `echo "Nordöst ☃ ${name}" ${'x'.repeat((i % 7) * 300)}`;
  return [
    {
      kind: 'job',
      value: { ...job(name, { run: { command: text } }), revision: 1 + 2 * round, updatedAt: T0 + at },
    },
    { kind: 'job', value: { ...job(name), revision: 2 + 2 * round, updatedAt: T0 + at + 1 } },
    {
      kind: 'state',
      value: { ...freshState(name, T0 + at), succeeded: at, ahead: [{ from: T0 + at + 5, to: T0 + at + 5 }] },
    },
    { kind: 'stats', value: stats(name, `2026-01-0${1 + round}`, `a${at}`) },
    { kind: 'stats', value: stats(name, `2026-01-0${2 + round}`, `b${at}`) },
    { kind: 'run', value: run(name, 100 + round, { state: 'waiting' }) },
    { kind: 'run', value: run(name, at) },
    {
      kind: 'run-ended',
      value: run(name, at, { state: 'failed', endedAt: T0 + at, reason: { code: 'exit-code', exitCode: 3 } }),
    },
    {
      kind: 'ledger',
      value: {
        job: name,
        from: T0 + at,
        to: T0 + at,
        count: 1,
        end: 'ran',
        reason: null,
        run: `${name}.${at}`,
      },
    },
  ];
}

/** A job that is gone, whose past and state stay. */
export function removalOf(i: number): Write[] {
  const name = nameOf(i);
  return [
    { kind: 'job-removed', value: { job: name, revision: 3, at: T0, by: 'ann', definition: null } },
    { kind: 'state', value: { ...freshState(name, T0), failed: 7 } },
  ];
}

export async function fill(store: Store, term: number, jobs: number, round = 0): Promise<void> {
  for (let i = 0; i < jobs; i += 20) {
    const some = Array.from({ length: Math.min(20, jobs - i) }, (_, k) => writesOf(i + k, round));
    await store.commit(term, some);
  }
  await store.commit(term, [removalOf(jobs - 1)]);
}

/** All that the store has, sorted; of a past that was cut nothing is expected. */
export async function contents(store: Store, jobs: number): Promise<unknown> {
  const loaded: string[] = [];
  for await (const items of store.load()) for (const item of items) loaded.push(JSON.stringify(sorted(item)));
  const past: unknown[] = [];
  for (let i = 0; i < jobs; i++) {
    const name = nameOf(i);
    const { archive } = store;
    past.push({
      runs: (await archive.runs({ job: name, limit: 100 })).items,
      ledger: await archive.ledger({ job: name, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100 }),
      days: await archive.days({ job: name, fromDay: '2026-01-01', toDay: '2026-12-31' }),
      revisions: await archive.revisions(name),
    });
  }
  const { items } = await store.archive.runs({ limit: 20 });
  return { loaded: loaded.sort(), past, newest: items.map(({ id }) => id) };
}

/** Objects with their fields in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

export async function backUpTo(file: string, store: Store): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.backup({ version: '0.0.0', now: T0 })) chunks.push(chunk);
  writeFileSync(file, Buffer.concat(chunks));
}
