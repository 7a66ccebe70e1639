/**
 * One chaos run, inside the hub's namespace: start everything, submit the jobs, do the planned faults while
 * triggers are sent at random, heal, wait until all that was due is finished, and ask every node what it knows.
 */

import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { Dockerd } from '../support/dockerd.ts';
import { ask, askWith, readAll, readOwed, readRuns, readUnfinished } from './api.ts';
import { Canary } from './canary.ts';
import { Cluster } from './cluster.ts';
import {
  type Bounds,
  type ChaosJob,
  type History,
  iso,
  type Messages,
  type NodeAnswer,
  parseLines,
  type RunRecord,
  type TriggerRecord,
} from './history.ts';
import { definitionOf, makeJobs } from './jobs.ts';
import { schedulers, tokenFrom, zookeeperServers } from './member.ts';
import type { Network } from './network.ts';
import { chooseTarget, leaderAway, planFaults } from './plan.ts';
import { Random } from './random.ts';
import { Receiver } from './receiver.ts';

export const schedulerNames = ['s1', 's2', 's3'] as const;
export const zookeeperNames = ['zk1', 'zk2', 'zk3'] as const;

const sessionTimeoutMs = 4_000;

const chaosBounds: Bounds = {
  slackMs: 2_000,
  // The session, the ensemble's tick, and the new leader's reading.
  takeoverMs: sessionTimeoutMs + 3_000,
  // An election among servers of which one is silent, and the clients' search for one that serves.
  ensembleMs: 6_000,
  bootMs: 6_000,
  // The engine's own start, and asking it again after up to 4 s.
  engineMs: 8_000,
  lostAfterMs: 60_000,
  backlogShare: 0.2,
};

/** Without an ensemble there is nobody to take over, and nobody to wait for. */
const aloneBounds: Bounds = { ...chaosBounds, takeoverMs: 1_000, ensembleMs: 0 };

export interface RunOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly docker: boolean;
  /** The only fault: the leader is killed, and stays away for so long. Null: random faults. */
  readonly leaderAwayMs: number | null;
  /** One scheduler on its embedded store, without an ensemble. */
  readonly alone: boolean;
  readonly source: string;
  /** The source that the schedulers start with and are upgraded from; null: `source` from the beginning. */
  readonly earlier: string | null;
  readonly workDir: string;
  readonly logDir: string;
  say(text: string): void;
}

export async function chaosRun(network: Network, options: RunOptions): Promise<History> {
  const { alone, workDir, logDir, say } = options;
  for (const dir of [workDir, logDir, join(workDir, 'jobs')]) mkdirSync(dir, { recursive: true });
  const linesFile = join(workDir, 'jobs/lines');
  closeSync(openSync(linesFile, 'a'));
  const dockerd = options.docker ? new Dockerd() : null;
  const names = {
    scheduler: alone ? ['s1'] : [...schedulerNames],
    zookeeper: alone ? [] : [...zookeeperNames],
  };
  // An earlier release may not know the option.
  const receiver =
    options.earlier === null ? new Receiver(network.hubAddress, new Random(options.seed ^ 0xa1e7)) : null;
  const alertsFile = receiver === null ? null : join(workDir, 'alerts.json');
  if (receiver !== null && alertsFile !== null)
    writeFileSync(
      alertsFile,
      JSON.stringify({
        receivers: { chaos: { webhook: { url: receiver.url } } },
        routes: [{ to: ['chaos'] }],
      }),
    );
  const zk = alone
    ? null
    : `${names.zookeeper.map((name) => `${network.address(name)}:2181`).join(',')}/carillon`;
  const zkAuthFile = join(workDir, 'zk-login');
  writeFileSync(zkAuthFile, 'carillon:of the chaos', { mode: 0o600 });
  const members = [
    ...zookeeperServers(network, names.zookeeper, workDir, logDir),
    ...schedulers(
      network,
      names.scheduler,
      { workDir, logDir },
      {
        source: options.source,
        earlier: options.earlier,
        zk,
        zkAuthFile,
        sessionTimeoutMs,
        dockerHost: dockerd?.host ?? null,
        alertsFile,
      },
    ),
  ];
  const logIn = async (): Promise<boolean> => {
    // Earlier releases let everybody in.
    if (options.earlier !== null) return true;
    const [first = ''] = names.scheduler;
    const token = await tokenFrom(network, first, join(workDir, first), options.source);
    if (token !== null) askWith(token);
    return token !== null;
  };
  const bounds = alone ? aloneBounds : chaosBounds;
  const cluster = new Cluster({ network, members, dockerd, bounds, logIn });
  try {
    const began = Date.now();
    await dockerd?.start();
    await receiver?.start();
    await cluster.start();
    say(`the cluster is up after ${Date.now() - began} ms; ${cluster.leader()} leads`);
    return await Promise.race([new Run(cluster, options, { linesFile, receiver }).go(), interruption()]);
  } finally {
    receiver?.stop();
    await cluster.stop();
  }
}

/** Fails when somebody asks for the end; what was started is then stopped like after any failure. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
}

/** Until the first job is due: time enough to submit them all. */
const leadInMs = 3_000;
const triggerTimeoutMs = 12_000;
const progressMs = 10_000;
const collectMs = 60_000;
/** Everything is healed, so whatever is unfinished has this long. */
const settleMs = 120_000;
/** How long the earlier release works before its first node is upgraded. */
const upgradeAfterMs = 15_000;

class Run {
  readonly #cluster: Cluster;
  readonly #options: RunOptions;
  readonly #linesFile: string;
  readonly #receiver: Receiver | null;
  readonly #random: { readonly faults: Random; readonly triggers: Random };
  readonly #jobs: readonly ChaosJob[];
  readonly #from = Date.now() + leadInMs;
  readonly #until: number;
  readonly #bootedAt = bootInstant();
  readonly #triggers: TriggerRecord[] = [];
  readonly #canary = new Canary();
  readonly #collected = new Map<string, RunRecord>();

  constructor(
    cluster: Cluster,
    options: RunOptions,
    { linesFile, receiver }: { readonly linesFile: string; readonly receiver: Receiver | null },
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#linesFile = linesFile;
    this.#receiver = receiver;
    const { seed, minutes, docker } = options;
    this.#until = this.#from + minutes * 60_000;
    this.#random = { faults: new Random(seed), triggers: new Random(seed ^ 0x5eed) };
    this.#jobs = makeJobs(new Random(seed ^ 0x10b5), { startMs: this.#from, endMs: this.#until, docker });
  }

  async go(): Promise<History> {
    this.#canary.start();
    await this.#submit();
    await Promise.all([this.#doFaults(), this.#sendTriggers(), this.#tellProgress(), this.#collect()]);
    await this.#cluster.healAll();
    this.#options.say('all faults are healed; waiting until everything due is finished');
    await this.#settle();
    const messages = await this.#messages();
    const answers = await this.#askAll();
    await this.#canary.stop();
    const { lines, unreadable } = parseLines(readFileSync(this.#linesFile, 'utf8'), this.#bootedAt);
    if (unreadable.length > 0) throw new Error(`jobs wrote what cannot be read: ${unreadable[0]}`);
    return {
      seed: this.#options.seed,
      from: this.#from,
      to: Date.now(),
      schedulers: this.#cluster.names('scheduler'),
      zookeepers: this.#cluster.names('zookeeper'),
      bounds: this.#options.alone ? aloneBounds : chaosBounds,
      jobs: this.#jobs,
      faults: [...this.#cluster.faults, ...this.#canary.stalls].sort((a, b) => a.from - b.from),
      lines,
      triggers: this.#triggers,
      messages,
      collected: [...this.#collected.values()],
      answers,
      roles: this.#cluster.roles,
    };
  }

  async #submit(): Promise<void> {
    const body = this.#jobs.map((job) => definitionOf(job, join(this.#options.workDir, 'jobs')));
    const node = this.#cluster.leader() ?? 's1';
    const answer = await ask(this.#cluster.address(node), '/apply', {
      method: 'POST',
      body,
      timeoutMs: 10_000,
    });
    const counts = (answer?.body as { counts?: { created: number } } | undefined)?.counts;
    if (counts?.created !== this.#jobs.length)
      throw new Error(`the jobs were not all accepted: ${JSON.stringify(answer)?.slice(0, 4_000)}`);
  }

  async #doFaults(): Promise<void> {
    const { minutes, docker, alone, earlier, leaderAwayMs, say } = this.#options;
    if (earlier !== null) await this.#upgrade();
    const plan =
      leaderAwayMs === null
        ? planFaults(this.#random.faults, { minutes, docker, alone })
        : [leaderAway(leaderAwayMs)];
    // An upgrade took the time of the first ones.
    for (const planned of plan.filter(({ atMs }) => this.#from + atMs >= Date.now())) {
      await sleepUntil(this.#from + planned.atMs);
      // What begins near the end is healed by the end.
      const forMs = Math.min(planned.forMs, this.#until - Date.now());
      const target = chooseTarget(this.#random.faults, { ...planned, forMs }, this.#cluster.standing());
      if (target === null) continue;
      const { led } = await this.#cluster.hit(target, planned.kind, forMs);
      say(`${planned.kind} ${target}${led === true ? ', which leads,' : ''} for ${forMs} ms`);
    }
    await sleepUntil(this.#until);
  }

  /** Node by node and the leader last, as docs/operations.md says. */
  async #upgrade(): Promise<void> {
    await sleepUntil(this.#from + upgradeAfterMs);
    const leader = this.#cluster.leader();
    const others = this.#cluster.names('scheduler').filter((name) => name !== leader);
    for (const name of leader === null ? others : [...others, leader]) {
      await this.#cluster.upgrade(name);
      this.#options.say(`${name} is upgraded; ${this.#cluster.leader() ?? 'nobody'} leads`);
    }
  }

  /** A client who asks again elsewhere, under the same key, when it got no answer. */
  async #sendTriggers(): Promise<void> {
    const random = this.#random.triggers;
    const names = this.#jobs.filter(({ schedule }) => schedule.kind === 'manual').map(({ name }) => name);
    const sent: Promise<void>[] = [];
    for (let at = this.#from; at < this.#until; at += random.between(500, 4_000)) {
      await sleepUntil(at);
      const nodes = [
        random.pick(this.#cluster.names('scheduler')),
        random.pick(this.#cluster.names('scheduler')),
      ];
      sent.push(this.#trigger(random.pick(names), random.next() < 0.5 ? nodes : nodes.slice(0, 1)));
    }
    await Promise.all(sent);
  }

  async #trigger(job: string, nodes: readonly string[]): Promise<void> {
    const key = randomUUID();
    for (const node of nodes) {
      const askedAt = Date.now();
      const answer = await ask(this.#cluster.address(node), `/jobs/${job}/trigger`, {
        method: 'POST',
        headers: { 'idempotency-key': key },
        timeoutMs: triggerTimeoutMs,
      });
      const run = answer?.status === 202 ? (answer.body as { id: string }).id : null;
      this.#triggers.push({ job, key, node, askedAt, at: Date.now(), run });
      if (run !== null) return;
    }
  }

  async #tellProgress(): Promise<void> {
    const { say } = this.#options;
    for (let at = this.#from + progressMs; at < this.#until; at += progressMs) {
      await sleepUntil(at);
      const text = readFileSync(this.#linesFile, 'utf8');
      const launches = text.split('\n').filter((line) => line.startsWith('launch ')).length;
      const acknowledged = this.#triggers.filter(({ run }) => run !== null).length;
      const down = this.#cluster.standing().filter(({ faulty }) => faulty);
      say(
        `${Math.round((at - this.#from) / 1_000)} s: ${launches} launches, ${acknowledged} of ${this.#triggers.length} triggers acknowledged, ` +
          `${this.#cluster.leader() ?? 'nobody'} leads, ${down.length === 0 ? 'all well' : `faulty: ${down.map(({ name }) => name).join(', ')}`}`,
      );
    }
  }

  /** The archive keeps a bounded past of each job; what leaves it is remembered here. */
  async #collect(): Promise<void> {
    for (let at = this.#from + collectMs; at < this.#until; at += collectMs) {
      await sleepUntil(at);
      const leader = this.#cluster.leader();
      if (leader === null) continue;
      const runs = await readRuns(this.#cluster.address(leader), at - 4 * collectMs).catch(() => []);
      for (const run of runs) if (run.endedAt !== null) this.#collected.set(run.id, run);
    }
  }

  async #settle(): Promise<void> {
    await this.#cluster.ready();
    const giveUpAt = Date.now() + settleMs;
    // Twice in a row: between two reads a parent's end may have made its child due.
    for (let quiet = 0; quiet < 2 && Date.now() < giveUpAt; ) {
      await sleepUntil(Date.now() + 1_000);
      const leader = this.#cluster.leader();
      if (leader === null) continue;
      const left = await readUnfinished(this.#cluster.address(leader)).catch(() => null);
      quiet = left?.length === 0 ? quiet + 1 : 0;
    }
  }

  /** Once everything was delivered, or nothing more is to be expected. */
  async #messages(): Promise<Messages | null> {
    if (this.#receiver === null) return null;
    const giveUpAt = Date.now() + settleMs;
    let owed: readonly string[] = [];
    do {
      await sleepUntil(Date.now() + 500);
      const leader = this.#cluster.leader();
      if (leader !== null) owed = await readOwed(this.#cluster.address(leader)).catch(() => ['unknown']);
    } while (owed.length > 0 && Date.now() < giveUpAt);
    return { received: this.#receiver.messages, owed };
  }

  /** The leader first. A follower may be a moment behind, so it is asked until it agrees, for a while. */
  async #askAll(): Promise<NodeAnswer[]> {
    const leader = this.#cluster.leader();
    if (leader === null) throw new Error(`nobody leads at ${iso(Date.now())}, with every fault healed`);
    const told = await readAll(leader, this.#cluster.address(leader), this.#jobs);
    const answers = [told];
    for (const name of this.#cluster.names('scheduler').filter((each) => each !== leader)) {
      const read = (): Promise<NodeAnswer> => readAll(name, this.#cluster.address(name), this.#jobs);
      let answer = await read();
      for (let tries = 0; tries < 10 && !sameRuns(told, answer); tries++) {
        await sleepUntil(Date.now() + 1_000);
        answer = await read();
      }
      answers.push(answer);
    }
    return answers;
  }
}

function sameRuns(a: NodeAnswer, b: NodeAnswer): boolean {
  const ends = ({ runs }: NodeAnswer): string =>
    runs
      .map(({ id, state }) => `${id} ${state}`)
      .sort()
      .join();
  return ends(a) === ends(b);
}

async function sleepUntil(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
}

/** The epoch instant of uptime 0, as a reader of /proc/uptime sees it: that clock shows whole hundredths. */
function bootInstant(): number {
  const samples = Array.from({ length: 1_000 }, () => Date.now() - uptime() * 1_000);
  return Math.min(...samples);
}
