/**
 * Measures how late a container's first instruction runs. The whole scheduler (embedded store, a decision on disk
 * before each launch) starts containers plain, prestaged and warm, in turns with direct calls to the Engine,
 * `docker run` and `runc`. Also measures starts per second, and many jobs due at the same time.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerLauncher } from '../src/executor/docker/launcher.ts';
import { createRunLogs } from '../src/executor/logs/run-logs.ts';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import { Scheduler } from '../src/scheduler/runtime/scheduler.ts';
import { createSoloElection } from '../src/store/election-solo.ts';
import { createEmbeddedStore } from '../src/store/embedded/store.ts';
import { Dockerd, dockerdMissing } from '../test/support/dockerd.ts';
import { abilities } from '../test/support/engines.ts';
import { secretsFrom } from '../test/support/secrets.ts';
import { makePeers, type Peer, type Peers, stampImage } from './container-peers.ts';
import { print } from './rig.ts';

const ROUNDS = 40;
/** Time for one start, so that starts do not overlap. */
const SLOT_MS = 700;
/** Containers are prepared in the middle of another start's slot, when that start is over. */
const LEAD = 'PT2.45S';
const AT_ONCE = 64;
/** Enough starts that the 99th percentile is not just the slowest start. */
const WARM_ROUNDS = 200;
/** Time to prepare 64 containers one after the other. */
const BURST_LEAD = 'PT40S';
const log = createLog({ level: 'error', format: 'json' });

const policies = { plain: {}, prestaged: { prestage: LEAD }, warm: { warmStart: LEAD } };
type Kind = keyof typeof policies;

interface Bench {
  readonly scheduler: Scheduler;
  readonly peers: Peers;
  readonly dockerd: Dockerd;
}

export async function run(): Promise<void> {
  const missing = dockerdMissing();
  if (missing !== null) throw new Error(missing);
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const dockerd = new Dockerd();
  await dockerd.start();
  const store = createEmbeddedStore({ dir: join(dir, 'store') });
  await store.open();
  const installation = await store.installation();
  const logs = createRunLogs({ dir: join(dir, 'logs'), clock: realClock });
  const self = { id: 'bench', url: '', host: '', pid: process.pid, version: '' };
  const scheduler = new Scheduler({
    settings: {
      engines: { docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 } },
      pools: {},
    },
    installation,
    self,
    store,
    election: createSoloElection(store, self),
    launchers: [
      createDockerLauncher({
        host: dockerd.host,
        installation,
        clock: realClock,
        log,
        logs,
        secrets: secretsFrom(),
      }),
    ],
    clock: realClock,
    log,
    startsInFlight: 2 * availableParallelism(),
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    await scheduler.start();
    const bench = { scheduler, dockerd, peers: await makePeers(dockerd, dir) };
    await inTurns(bench);
    await warmInTurns(bench);
    await atOnce(bench);
    await manyWarm(bench);
  } finally {
    await scheduler.stop();
    await store.close();
    await dockerd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function submit({ scheduler, peers }: Bench, name: string, due: number, policy: object): Promise<void> {
  const definition = {
    name,
    schedule: { at: new Date(due).toISOString() },
    run: { image: stampImage, argv: ['/stamp', `/out/${name}`], volumes: [`${peers.out}:/out`] },
    policy,
  };
  await scheduler.submit({ kind: 'put-job', definition, mode: 'create', by: 'bench', source: 'bench' });
}

const sleepUntil = (at: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));

/** Starts one of each kind in every round, so that other load of the machine affects all kinds equally. */
async function inTurns(bench: Bench): Promise<void> {
  const { peers } = bench;
  const others: Record<string, Peer> = { bare: peers.bare, 'docker run': peers.dockerRun, runc: peers.runc };
  const kinds = [...Object.keys(policies), ...Object.keys(others)];
  const lateness = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
  // The first start finds empty caches, and preparing needs its lead time.
  let due = Math.ceil(Date.now() / 1_000) * 1_000 + 5_000;
  for (let round = 0; round <= ROUNDS; round++) {
    const slots = kinds.map((kind, i) => ({
      kind,
      name: `${kind.replace(' ', '-')}-${round}`,
      due: due + i * SLOT_MS,
    }));
    for (const slot of slots)
      if (slot.kind in policies) await submit(bench, slot.name, slot.due, policies[slot.kind as Kind]);
    for (const slot of slots) {
      await sleepUntil(slot.due);
      await others[slot.kind]?.(slot.name);
      const late = (await peers.stamped(slot.name)) - slot.due;
      if (round > 0) lateness.get(slot.kind)?.push(late);
    }
    await clear(bench);
    due = Math.max(due + kinds.length * SLOT_MS, Date.now() + 3_000);
  }
  print(
    `due time to first instruction, ${ROUNDS} in turns, p50 / p99 in milliseconds`,
    kinds.map((kind) => [kind, figures(lateness.get(kind) ?? [])] as const),
  );
}

/** Only warm starts: no other kind starts in between, but the next containers are prepared in between. */
async function warmInTurns(bench: Bench): Promise<void> {
  const first = Math.ceil(Date.now() / 1_000) * 1_000 + 8_000;
  const slots = Array.from({ length: WARM_ROUNDS }, (_, i) => ({
    name: `warm-alone-${i}`,
    due: first + i * SLOT_MS,
  }));
  for (const { name, due } of slots) await submit(bench, name, due, policies.warm);
  const lateness: number[] = [];
  for (const { name, due } of slots) {
    await sleepUntil(due);
    lateness.push((await bench.peers.stamped(name)) - due);
  }
  print(`due time to first instruction, ${WARM_ROUNDS} warm, milliseconds`, [
    ['p50 / p99', figures(lateness)],
  ]);
  await clear(bench);
}

/** Starts per second when many are requested at once, measured until the first instruction of the last one. */
async function atOnce(bench: Bench): Promise<void> {
  const { peers } = bench;
  const names = (kind: string): string[] => Array.from({ length: AT_ONCE }, (_, i) => `${kind}-${i}`);
  const rows: [string, string][] = [];
  const measure = async (kind: string, peer: Peer, width: number): Promise<number> => {
    const left = names(`${kind}-${width}`);
    const all = [...left];
    const began = Date.now();
    const worker = async (): Promise<void> => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) await peer(name);
    };
    await Promise.all(Array.from({ length: width }, worker));
    const perSecond = rate(began, await Promise.all(all.map(peers.stamped)));
    await clear(bench);
    return perSecond;
  };
  const carillon = async (round: number): Promise<number> => {
    const due = Date.now() + 3_000;
    const all = names(`many-${round}`);
    await Promise.all(all.map((name) => submit(bench, name, due, {})));
    const perSecond = rate(due, await Promise.all(all.map(peers.stamped)));
    await clear(bench);
    return perSecond;
  };
  const before = await carillon(1);
  for (const width of [2, 4, 8])
    rows.push([`bare, ${width} at a time`, (await measure('bare', peers.bare, width)).toFixed(1)]);
  const after = await carillon(2);
  rows.unshift([`Carillon, before and after the others`, `${before.toFixed(1)} and ${after.toFixed(1)}`]);
  rows.push(['docker run, 4 at a time', (await measure('cli', peers.dockerRun, 4)).toFixed(1)]);
  rows.push(['runc, 4 at a time', (await measure('runc', peers.runc, 4)).toFixed(1)]);
  print(`containers per second, ${AT_ONCE} requested at once`, rows);
}

async function manyWarm(bench: Bench): Promise<void> {
  const due = Date.now() + 45_000;
  const names = Array.from({ length: AT_ONCE }, (_, i) => `burst-${i}`);
  await Promise.all(names.map((name) => submit(bench, name, due, { warmStart: BURST_LEAD })));
  const stamps = await Promise.all(names.map(bench.peers.stamped));
  print(`${AT_ONCE} due at once, warm, milliseconds`, [
    ['p50 / p99', figures(stamps.map((stamp) => stamp - due))],
  ]);
  await clear(bench);
}

function rate(began: number, stamps: readonly number[]): number {
  return (stamps.length / (Math.max(...stamps) - began)) * 1_000;
}

function figures(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  return `${at(0.5)} / ${at(0.99)}`;
}

/** Removes ended containers, because they would make the Engine's lists longer for later measurements. */
async function clear({ dockerd }: Bench): Promise<void> {
  const all = await dockerd.docker.listContainers({ all: true, filters: { status: ['exited'] } });
  for (const { Id } of all) await dockerd.docker.getContainer(Id).remove();
}
