/**
 * Measures the scheduler on three ZooKeeper servers of this machine: durable runs per second and the duration of a
 * commit, compared with a plain client that sends the same transactions. Also measures how long a node takes to copy
 * 100,000 jobs, and to become leader with its copy.
 */

import zookeeper from 'node-zookeeper-client';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import type { Store } from '../src/scheduler/ports.ts';
import { Scheduler } from '../src/scheduler/runtime/scheduler.ts';
import { createZooKeeperElection } from '../src/store/zookeeper/election.ts';
import { createZooKeeperStore } from '../src/store/zookeeper/store.ts';
import {
  createZooKeeperSession,
  type Op,
  type ZooKeeperSession,
} from '../src/store/zookeeper/wire/session.ts';
import { abilities } from '../test/support/engines.ts';
import { ZooKeeper } from '../test/support/zookeeper.ts';
import { asManyAsGo, type Load, noOpLauncher, print, sustain } from './rig.ts';

const SUSTAINED_MS = 15_000;
const STEADY_PER_SECOND = 5_000;
const JOBS = 100_000;
const APPLY_AT_ONCE = 5_000;

const log = createLog({ level: 'error', format: 'json' });

interface Node {
  readonly scheduler: Scheduler;
  readonly store: Store;
  readonly stop: () => Promise<void>;
}

async function startNode(hosts: string, id: string, observed: Observed): Promise<Node> {
  const session = observed.session(
    createZooKeeperSession({ hosts, sessionTimeoutMs: 10_000, auth: null, clock: realClock, log }),
  );
  const store = createZooKeeperStore({ session, hosts, clock: realClock, log });
  await store.open();
  const self = { id, url: 'http://127.0.0.1:4400', host: '', pid: process.pid, version: '' };
  const scheduler = new Scheduler({
    settings: {
      engines: { process: { concurrency: null, abilities: abilities.process, tombstoneMs: 60_000 } },
      pools: {},
    },
    installation: await store.installation(),
    self,
    store: { ...store, commit: observed.commit(store.commit) },
    election: createZooKeeperElection({ session, self, host: '127.0.0.1', clock: realClock, log }),
    launchers: [noOpLauncher()],
    clock: realClock,
    log,
    startsInFlight: 1_024,
    onFatal: (error) => {
      throw error;
    },
  });
  await scheduler.start();
  const stop = async (): Promise<void> => {
    await scheduler.stop();
    await store.close();
  };
  return { scheduler, store, stop };
}

/** The scheduler's calls to its store and to ZooKeeper. */
class Observed {
  readonly commitMs: number[] = [];
  readonly transactions: (readonly Op[])[] = [];
  writes = 0;

  commit(commit: Store['commit']): Store['commit'] {
    return async (term, groups) => {
      const began = performance.now();
      await commit(term, groups);
      this.commitMs.push(performance.now() - began);
      this.writes += groups.reduce((sum, group) => sum + group.length, 0);
    };
  }

  session(session: ZooKeeperSession): ZooKeeperSession {
    const multi = session.multi.bind(session);
    session.multi = (ops) => {
      // Only commits move the head of the log, checkpoints do not.
      if (ops.some((op) => op.path === '/head')) this.transactions.push(ops);
      return multi(ops);
    };
    return session;
  }
}

async function sustained(hosts: string): Promise<readonly (readonly Op[])[]> {
  const observed = new Observed();
  const node = await startNode(`${hosts}/sustained`, 'a', observed);
  await leads(node);
  const steady: Load = { perSecond: STEADY_PER_SECOND };
  for (const [load, title] of [
    [steady, `a steady load of ${STEADY_PER_SECOND} runs a second`],
    [asManyAsGo, 'as many runs as go through'],
  ] as const) {
    observed.commitMs.length = 0;
    observed.transactions.length = 0;
    const perSecond = await sustain(node.scheduler, SUSTAINED_MS, load);
    const times = [...observed.commitMs].sort((a, b) => a - b);
    const bytes = observed.transactions
      .flat()
      .reduce((sum, op) => sum + ('data' in op ? op.data.length : 0), 0);
    print(`${title}, for ${SUSTAINED_MS / 1_000} s, with an engine that does nothing`, [
      ['durable runs per second', perSecond.toFixed(0)],
      ['commits per second', (times.length / (SUSTAINED_MS / 1_000)).toFixed(0)],
      ['time of a commit, median / p99', `${at(times, 0.5).toFixed(1)} / ${at(times, 0.99).toFixed(1)} ms`],
      ['bytes in a commit, on average', (bytes / observed.transactions.length).toFixed(0)],
    ]);
  }
  await node.stop();
  return observed.transactions;
}

/** The same transactions and concurrency with the plain client. */
async function bare(hosts: string, transactions: readonly (readonly Op[])[]): Promise<void> {
  const client = zookeeper.createClient(`${hosts}/bare`, { sessionTimeout: 10_000, retries: 0 });
  await new Promise<void>((resolve) => {
    client.once('connected', resolve);
    client.connect();
  });
  const create = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      client.mkdirp(path, (error) => (error ? reject(error) : resolve()));
    });
  for (const path of ['/', '/epoch', '/head', '/log']) await create(path).catch(() => undefined);
  const times: number[] = [];
  const began = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < transactions.length) {
      const ops = transactions[next++] as readonly Op[];
      const sent = performance.now();
      await new Promise<void>((resolve, reject) => {
        const transaction = client.transaction();
        transaction.check('/epoch', -1);
        for (const op of ops) {
          if (op.kind === 'set') transaction.setData('/head', Buffer.from(op.data), -1);
          if (op.kind === 'create')
            transaction.create(`/log/n${next}-${op.path.slice(5)}`, Buffer.from(op.data));
        }
        transaction.commit((error) => (error ? reject(error) : resolve()));
      });
      times.push(performance.now() - sent);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  const seconds = (performance.now() - began) / 1_000;
  times.sort((a, b) => a - b);
  print('the same transactions, sent by the plain client', [
    ['commits per second, four concurrent', (times.length / seconds).toFixed(0)],
    ['time of a commit, median / p99', `${at(times, 0.5).toFixed(1)} / ${at(times, 0.99).toFixed(1)} ms`],
  ]);
  client.close();
}

async function manyJobs(hosts: string): Promise<void> {
  const nodes = `${hosts}/many`;
  const leader = await startNode(nodes, 'a', new Observed());
  await leads(leader);
  const began = performance.now();
  for (let from = 0; from < JOBS; from += APPLY_AT_ONCE) {
    const definitions = Array.from({ length: APPLY_AT_ONCE }, (_, i) => ({
      source: 'bench',
      definition: {
        name: `job-${from + i}`,
        description: 'a job like many others, with some text about what it does and for whom',
        schedule: { cron: `${(from + i) % 60} ${(from + i) % 24} * * *`, timezone: 'Europe/Berlin' },
        run: { command: 'true' },
        labels: { team: `team-${(from + i) % 40}` },
        policy: { retries: { limit: 2, delay: 'PT10S' } },
      },
    }));
    await leader.scheduler.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'bench' });
  }
  const writtenMs = performance.now() - began;
  const loadBegan = performance.now();
  const follower = await startNode(nodes, 'b', new Observed());
  const copiedMs = performance.now() - loadBegan;
  let elected = 0;
  const leading = new Promise<void>((resolve) => {
    follower.scheduler.subscribe((notice) => {
      if (notice.kind !== 'leader' || !notice.leading) return;
      elected = performance.now();
      resolve();
    });
  });
  const left = performance.now();
  await leader.stop();
  await leading;
  print(`${JOBS.toLocaleString('en')} jobs`, [
    ['applied and durable after', `${(writtenMs / 1_000).toFixed(1)} s`],
    ['copied by a starting node, ready after', `${(copiedMs / 1_000).toFixed(1)} s`],
    ['handover: from the stop of the leader until the next leads', `${(elected - left).toFixed(0)} ms`],
    ['of this, from election to leading', `${follower.scheduler.cluster().takeover?.tookMs} ms`],
    ['jobs of the new leader', String(follower.scheduler.jobCount())],
  ]);
  await follower.stop();
}

async function leads({ scheduler }: Node): Promise<void> {
  while (!scheduler.leadership().leading) await new Promise((resolve) => setTimeout(resolve, 10));
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export async function run(): Promise<void> {
  const servers = await ZooKeeper.start({ nodes: 3, tickMs: 1_000, heapMb: 1_024 });
  try {
    const transactions = await sustained(servers.connect);
    await bare(servers.connect, transactions);
    await manyJobs(servers.connect);
  } finally {
    await servers.stop();
  }
}
