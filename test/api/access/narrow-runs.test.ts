/** Runs for somebody who sees few jobs: a request reads a bounded number, and its cursor tells nothing of the others. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { runListLimits } from '../../../src/api/lists/run-list.ts';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { believing, principalOf } from '../../support/askers.ts';
import { World } from '../../support/world.ts';

const most = 50 + runListLimits.reads * runListLimits.page;
const hiddenRuns = 12_000;

let api: ApiWorld;
/** Ended runs, newest first. */
let ended: Run[];
let read: number;

beforeEach(async () => {
  const world = await World.at('2026-11-21T00:00:00Z');
  await world.put({ name: 'seen-a' });
  await world.put({ name: 'secret-b' });
  [ended, read] = [[], 0];
  const runs = async ({ limit, cursor }: { limit: number; cursor?: string }) => {
    const from = Number(cursor?.split(' ')[0] ?? 0);
    const items = ended.slice(from, from + limit);
    read += items.length;
    const to = from + items.length;
    return { items, next: to < ended.length ? `${to} ${items.at(-1)?.id}` : null };
  };
  const viewer = principalOf('viewer', [{ role: 'viewer', jobs: 'seen-*' }]);
  api = await ApiWorld.over(
    world,
    {},
    { archive: { ...world.scheduler.archive, runs } as never },
    believing(({ headers }) =>
      headers['test-name'] === 'viewer' ? viewer : principalOf('admin', [{ role: 'admin' }]),
    ),
  );
  const run = await api.post('/jobs/seen-a/trigger');
  await api.world.clock.settle();
  const [model] = [...world.scheduler.liveRuns()] as [Run];
  expect(model.id).toBe(run.id);
  // Behind the newest hidden ones, but before the others.
  const at = (job: string, n: number): Run => ({
    ...model,
    ...{ id: `${job}.${n}`, job, due: model.due + 10 - n, state: 'succeeded', endedAt: model.due + 20_000 },
    createdAt: model.createdAt + 1,
  });
  ended = Array.from({ length: hiddenRuns }, (_, n) => at('secret-b', n));
  ended.push(at('seen-a', hiddenRuns), at('seen-a', hiddenRuns + 1));
});
afterEach(() => api.close());

const page = async (query: string, who = 'viewer') => {
  const response = await api.send(`GET /runs?${query}`, { headers: { 'test-name': who } });
  expect(response.statusCode, response.body).toBe(200);
  return response.json() as { items: Body[]; next: string | null };
};

async function allPages(limit: number): Promise<{ pages: string[][]; cursors: string[] }> {
  const [pages, cursors]: [string[][], string[]] = [[], []];
  for (let next: string | null = null; ; ) {
    read = 0;
    const answer: { items: Body[]; next: string | null } = await page(
      `limit=${limit}${next === null ? '' : `&cursor=${next}`}`,
    );
    expect(read).toBeLessThanOrEqual(most);
    pages.push(answer.items.map(({ id }) => id));
    next = answer.next;
    if (next === null) return { pages, cursors };
    cursors.push(next);
  }
}

test('a request reads a bounded number of runs, and answers with a cursor and what it found', async () => {
  const { pages } = await allPages(50);
  expect(pages.length).toBeGreaterThan(2);
  expect(pages[0]).toHaveLength(1);
  expect(pages[1]).toEqual([]);
  expect(pages.at(-1)).toEqual([`seen-a.${hiddenRuns}`, `seen-a.${hiddenRuns + 1}`]);
});

test.each([1, 2, 3, 50])('with a limit of %i, each run is found once, in order', async (limit) => {
  const found = (await allPages(limit)).pages.flat();
  expect(found.slice(1)).toEqual([`seen-a.${hiddenRuns}`, `seen-a.${hiddenRuns + 1}`]);
  expect(found).toHaveLength(3);
});

test('a cursor says nothing of jobs that the viewer does not see', async () => {
  const { cursors } = await allPages(50);
  const decoded = (text: string): string => {
    const inner = Buffer.from(text, 'base64url').toString('latin1');
    return [inner, ...(inner.match(/[\w-]{16,}/g) ?? []).map(decoded)].join('\n');
  };
  for (const cursor of cursors) expect(decoded(cursor)).not.toContain('secret');
});

test('a cursor that was changed is refused', async () => {
  const { next } = await page('limit=50');
  const [due, id, sealed] = JSON.parse(Buffer.from(next!, 'base64url').toString());
  const changed = `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`;
  const cursor = Buffer.from(JSON.stringify([due, id, changed])).toString('base64url');
  const response = await api.send(`GET /runs?cursor=${cursor}`, { headers: { 'test-name': 'viewer' } });
  expect([response.statusCode, response.json().field]).toEqual([400, 'cursor']);
});

test('an admin gets full pages', async () => {
  const { items, next } = await page('limit=50', 'admin');
  expect([items.length, next !== null]).toEqual([50, true]);
});
