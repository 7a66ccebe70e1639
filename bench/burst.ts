/**
 * Measures 10,000 jobs due in the same second on the embedded store: the time until all runs are durable and
 * passed to their engine, and until all have ended and none is lost. First with an engine that does nothing, then
 * with real processes. Also measures the sustained rate of durable runs.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunLogs } from '../src/executor/logs/run-logs.ts';
import { openCgroups, removeCgroup } from '../src/executor/process/cgroup.ts';
import { createProcessLauncher } from '../src/executor/process/launcher.ts';
import { installSupervisor } from '../src/executor/supervisor/file.ts';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import { Scheduler } from '../src/scheduler/runtime/scheduler.ts';
import { createSoloElection } from '../src/store/election-solo.ts';
import { createEmbeddedStore } from '../src/store/embedded/store.ts';
import { abilities } from '../test/support/engines.ts';
import { secretsFrom } from '../test/support/secrets.ts';
import { asManyAsGo, noOpLauncher, print, sustain } from './rig.ts';

const JOBS = 10_000;
const SUSTAINED_MS = 10_000;

const log = createLog({ level: 'error', format: 'json' });

async function withScheduler(
  real: boolean,
  use: (scheduler: Scheduler, dispatched: { count: number; last: number }) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const store = createEmbeddedStore({ dir: join(dir, 'store') });
  await store.open();
  const cgroups = real ? await openCgroups(join(dir, 'process'), log) : null;
  const launcher = real
    ? createProcessLauncher({
        dir: join(dir, 'process'),
        installation: 'bench',
        clock: realClock,
        log,
        supervisor: await installSupervisor(join(dir, 'process'), log),
        cgroups,
        logs: createRunLogs({ dir: join(dir, 'logs'), clock: realClock }),
        environment: process.env,
        secrets: secretsFrom(),
      })
    : noOpLauncher();
  const dispatched = { count: 0, last: 0 };
  const launch = launcher.launch.bind(launcher);
  launcher.launch = (spec) => {
    dispatched.count += 1;
    dispatched.last = Date.now();
    return launch(spec);
  };
  const self = { id: 'bench', url: '', host: '', pid: process.pid, version: '' };
  const scheduler = new Scheduler({
    settings: {
      engines: { process: { concurrency: null, abilities: abilities.process, tombstoneMs: 60_000 } },
      pools: {},
    },
    installation: await store.installation(),
    self,
    store,
    election: createSoloElection(store, self),
    launchers: [launcher],
    clock: realClock,
    log,
    startsInFlight: real ? 256 : 1_024,
    onFatal: (error) => {
      throw error;
    },
  });
  await scheduler.start();
  try {
    await use(scheduler, dispatched);
  } finally {
    await scheduler.stop();
    await store.close();
    if (cgroups !== null) await removeCgroup(cgroups);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function burst(real: boolean): Promise<void> {
  await withScheduler(real, async (scheduler, dispatched) => {
    const due = Math.ceil((Date.now() + 4_000) / 1_000) * 1_000;
    const definitions = Array.from({ length: JOBS }, (_, i) => ({
      source: 'bench',
      definition: {
        name: `job-${i}`,
        schedule: { at: new Date(due).toISOString() },
        run: { argv: ['/bin/true'] },
      },
    }));
    const applyBegan = performance.now();
    await scheduler.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'bench' });
    const applyMs = performance.now() - applyBegan;
    let ended = 0;
    const lateness: number[] = [];
    await new Promise<void>((resolve) => {
      scheduler.subscribe((notice) => {
        if (notice.kind !== 'run' || notice.run.endedAt === null) return;
        if (notice.run.state === 'succeeded') ended += 1;
        lateness.push((notice.run.attempts[0]?.startedAt ?? 0) - due);
        if (lateness.length === JOBS) resolve();
      });
    });
    const endedMs = Date.now() - due;
    lateness.sort((a, b) => a - b);
    const at = (share: number): number => lateness[Math.min(JOBS - 1, Math.floor(JOBS * share))] ?? 0;
    print(
      real
        ? '10,000 due in one second, real processes'
        : '10,000 due in one second, an engine that does nothing',
      [
        ['10,000 jobs applied and durable', `${applyMs.toFixed(0)} ms`],
        ['all durable and dispatched after', `${dispatched.last - due} ms (${dispatched.count} launches)`],
        ['all ended and durable after', `${endedMs} ms (${ended} succeeded, ${JOBS - ended} lost)`],
        ['start lateness p50 / p99 / max', `${at(0.5)} / ${at(0.99)} / ${at(1)} ms`],
      ],
    );
  });
}

/** The best possible on this machine: shells that run a command, a few at a time, without storing anything. */
async function spawnFloor(): Promise<number> {
  const total = 1_000;
  const began = performance.now();
  let started = 0;
  await new Promise<void>((resolve) => {
    let ended = 0;
    const next = (): void => {
      if (started === total) return;
      started += 1;
      spawn('/bin/sh', ['-c', '/bin/true; exit $?'], { detached: true, stdio: 'ignore' }).once('exit', () => {
        ended += 1;
        if (ended === total) resolve();
        next();
      });
    };
    for (let i = 0; i < 2 * availableParallelism(); i++) next();
  });
  return total / ((performance.now() - began) / 1_000);
}

async function sustained(): Promise<void> {
  await withScheduler(false, async (scheduler) => {
    const perSecond = await sustain(scheduler, SUSTAINED_MS, asManyAsGo);
    print('sustained', [['durable runs per second', perSecond.toFixed(0)]]);
  });
}

export async function run(): Promise<void> {
  await burst(false);
  const floor = await spawnFloor();
  await burst(true);
  print('lower limit for processes', [['plain starts of a shell per second', floor.toFixed(0)]]);
  await sustained();
}
