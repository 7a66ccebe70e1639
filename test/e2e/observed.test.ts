/** A leader is killed: counters continue on the other node, and the log of both has each end of a run once. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Series, seriesIn, wentBack } from '../support/scraped.ts';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

describe.skipIf(zookeeperMissing !== null)('two nodes', () => {
  let zookeeper: ZooKeeper;
  let dir: string;
  const servers: Server[] = [];

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    dir = mkdtempSync(join(tmpdir(), 'carillon-observed-'));
    for (const node of ['a', 'b']) {
      const args = [...zookeeper.at('/observed'), '--zk-session-timeout', 'PT4S'];
      servers.push(await Server.start(join(dir, node), args));
    }
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) await server.end('SIGKILL');
    await zookeeper.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const scrape = async (server: Server): Promise<Map<string, Series>> => {
    const response = await fetch(`${server.url}/metrics`, { headers: { accept: 'text/plain' } });
    return seriesIn(await response.text());
  };
  const succeeded = 'carillon_job_outcomes_total{job_name="often",outcome="succeeded"}';
  const figure = (series: Map<string, Series>, name: string): number => series.get(name)?.value ?? 0;

  test('have the same counters, which continue, and log each end of a run once', async () => {
    const [a, b] = servers as [Server, Server];
    const every = { name: 'often', schedule: { every: 'PT1S' }, run: { command: 'true' } };
    expect((await a.ask('POST', '/api/v1/jobs', every)).status).toBe(201);
    const leads = async (server: Server): Promise<boolean> =>
      figure(await scrape(server), 'carillon_leader') === 1;
    const [leader, follower] = (await leads(a)) ? [a, b] : [b, a];
    const ofLeader = await eventually(
      () => scrape(leader),
      (series) => figure(series, succeeded) >= 3,
    );
    const before = await eventually(
      () => scrape(follower),
      (series) => wentBack(countersOfJobs(ofLeader), series).length === 0,
    );
    expect(figure(before, 'carillon_runs_ended_total{state="succeeded"}')).toBeGreaterThanOrEqual(3);
    await leader.end('SIGKILL');
    const after = await eventually(
      () => scrape(follower),
      (series) =>
        figure(series, 'carillon_leader') === 1 && figure(series, succeeded) >= figure(before, succeeded) + 3,
    );
    expect(wentBack(before, after)).toEqual([]);
    expect(wentBack(countersOfJobs(ofLeader), after)).toEqual([]);

    await follower.ask('POST', '/api/v1/jobs/often/pause', {});
    const runs = await eventually(
      () => follower.all<{ id: string; state: string }>('/api/v1/jobs/often/runs'),
      (all) => all.every(({ state }) => state === 'succeeded'),
    );
    const lines = [leader, follower]
      .flatMap(({ log }) => log.split('\n').filter((line) => line.startsWith('{')))
      .map((line) => JSON.parse(line));
    const ended: string[] = lines.filter(({ msg }) => msg === 'run.ended').map(({ run }) => run);
    expect(new Set(ended).size).toBe(ended.length);
    // The leader may have been killed between the commit and the line.
    const missing = runs.map(({ id }) => id).filter((id) => !ended.includes(id));
    expect(missing.length).toBeLessThanOrEqual(2);
    expect(lines.filter(({ msg }) => msg === 'job.created')).toHaveLength(1);
    expect(lines.filter(({ msg }) => msg === 'job.paused')).toHaveLength(1);
  });
});

const countersOfJobs = (series: Map<string, Series>): Map<string, Series> =>
  new Map([...series].filter(([name]) => name.startsWith('carillon_job_')));
