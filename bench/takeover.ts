/**
 * Measures how long nothing is launched when the leader changes: three schedulers, each a process, on three ZooKeeper
 * servers, with many jobs. Some of the jobs are launched every 50 ms and record the time. The leader is killed or stopped
 * repeatedly. For comparison, prints how long waiting for the session to expire would take.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import buildProgram from '../test/support/program.ts';
import { eventually, Server } from '../test/support/server.ts';
import { ZooKeeper } from '../test/support/zookeeper.ts';
import { print } from './rig.ts';

const ROUNDS = 10;
const SESSION = { text: 'PT4S', ms: 4_000 };
const APPLY_AT_ONCE = 5_000;
/** Interval between two launches while the leader stays. */
const BEAT_MS = 50;
/** Launches within this time before and after the change are evaluated. */
const SETTLED_MS = 1_500;

interface Cluster {
  readonly leader: { readonly url: string } | null;
  readonly members: readonly unknown[];
}

async function measure(jobs: number): Promise<void> {
  const zookeeper = await ZooKeeper.start({ nodes: 3, tickMs: 500, heapMb: 1_024 });
  const dir = mkdtempSync(join(tmpdir(), 'carillon-takeover-'));
  const servers: Server[] = [];
  const startNode = async (index: number): Promise<void> => {
    const flags = [...zookeeper.at('/bench'), '--zk-session-timeout', SESSION.text];
    servers[index] = await Server.start(join(dir, `node-${index}`), flags);
  };
  try {
    for (let i = 0; i < 3; i++) await startNode(i);
    const beats = join(dir, 'beats');
    await fill(servers[0] as Server, jobs, beats);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const gaps: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const leader = await leaderOf(servers);
        await eventually(
          async () => newest(beats),
          (at) => Date.now() - at < 200,
        );
        const began = Date.now();
        await (servers[leader] as Server).end(signal);
        // Waits for more launches, so that the one that ends the gap is among them.
        const launches = await eventually(
          async () => times(beats).filter((at) => at > began - SETTLED_MS),
          (all) => (all.at(-1) ?? 0) > began + SETTLED_MS,
          60_000,
        );
        launches.sort((a, b) => a - b);
        gaps.push(Math.max(...launches.slice(1).map((at, i) => at - (launches[i] as number))));
        await startNode(leader);
      }
      gaps.sort((a, b) => a - b);
      const middle = gaps[Math.floor(gaps.length / 2)];
      print(
        `${jobs.toLocaleString('en')} jobs, leader ${signal === 'SIGKILL' ? 'killed' : 'stopped'}, ${ROUNDS} times`,
        [
          [
            'longest time between two launches, min / median / max',
            `${gaps[0]} / ${middle} / ${gaps.at(-1)} ms`,
          ],
          ['waiting for the session to expire', `${SESSION.ms} ms and more`],
        ],
      );
    }
  } finally {
    for (const server of servers) await server.end('SIGKILL');
    await zookeeper.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function fill(server: Server, jobs: number, beats: string): Promise<void> {
  for (let from = 0; from < jobs; from += APPLY_AT_ONCE) {
    const definitions = Array.from({ length: Math.min(APPLY_AT_ONCE, jobs - from) }, (_, i) => ({
      name: `job-${from + i}`,
      schedule: { cron: `${(from + i) % 60} ${(from + i) % 24} 1 1 *` },
      run: { command: 'true' },
    }));
    const { status } = await server.ask('POST', '/api/v1/apply', definitions);
    if (status !== 200) throw new Error(`apply answered ${status}`);
  }
  const begin = Math.ceil(Date.now() / 1_000) * 1_000;
  const beating = Array.from({ length: 1_000 / BEAT_MS }, (_, i) => ({
    name: `beat-${i}`,
    schedule: { every: `R/${new Date(begin + i * BEAT_MS).toISOString()}/PT1S` },
    run: { command: `date +%s%3N >> ${beats}` },
    policy: { overlap: 'allow', catchUp: 'latest' },
  }));
  const { status, body } = await server.ask('POST', '/api/v1/apply', beating);
  if (status !== 200) throw new Error(`the beating jobs were answered ${status}: ${JSON.stringify(body)}`);
}

async function leaderOf(servers: readonly Server[]): Promise<number> {
  const { leader } = await eventually(
    () => (servers[0] as Server).get<Cluster>('/api/v1/cluster'),
    (cluster) => cluster.members.length === 3 && servers.some(({ url }) => url === cluster.leader?.url),
  );
  return servers.findIndex(({ url }) => url === leader?.url);
}

function times(beats: string): number[] {
  return readFileSync(beats, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean).map(Number);
}

const newest = (beats: string): number => Math.max(0, ...times(beats).slice(-100));

export async function run(): Promise<void> {
  buildProgram();
  await measure(10_000);
  await measure(100_000);
}
