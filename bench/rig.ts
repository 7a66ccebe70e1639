/** Shared by the benchmarks of the whole scheduler: an engine that does nothing, load, and the output of figures. */

import type { FastifyInstance } from 'fastify';
import { type Authenticator, buildApp } from '../src/api/app.ts';
import { realClock } from '../src/node/clock.ts';
import { Peers } from '../src/peers/client.ts';
import type { Launcher, Log, Member, Observation } from '../src/scheduler/ports.ts';
import { Scheduler } from '../src/scheduler/runtime/scheduler.ts';
import { createSoloElection } from '../src/store/election-solo.ts';
import { createEmbeddedStore, type EmbeddedStore } from '../src/store/embedded/store.ts';
import { believing, noCredentials } from '../test/support/askers.ts';
import { abilities } from '../test/support/engines.ts';

/** Starts nothing and reports the end at once, so that only the scheduler is measured. */
export function noOpLauncher(): Launcher {
  let tell: (observation: Observation) => void = () => undefined;
  return {
    engine: 'process',
    start: async () => undefined,
    stop: async () => undefined,
    onObservation: (listener) => {
      tell = listener;
    },
    launch: async ({ launchName }) => {
      tell({ kind: 'started', launchName, at: Date.now() });
      setImmediate(() => tell({ kind: 'ended', launchName, at: Date.now(), exitCode: 0 }));
    },
    kill: async () => undefined,
    takeBack: async () => undefined,
    remove: async () => undefined,
    inventory: async () => [],
    logs: async function* () {},
    describe: async () => ({ reachable: true, version: null, detail: null }),
  };
}

interface SchedulerParts {
  readonly self: Member;
  readonly log: Log;
  readonly startsInFlight: number;
}

/** A scheduler over an embedded store in `dir`, with an engine that does nothing; the caller starts and stops both. */
export async function idleScheduler(
  dir: string,
  parts: SchedulerParts,
): Promise<{ readonly scheduler: Scheduler; readonly store: EmbeddedStore }> {
  const store = createEmbeddedStore({ dir });
  await store.open();
  return { scheduler: await schedulerOver(store, noOpLauncher(), parts), store };
}

/** A scheduler over an open store, with one launcher of processes; the caller starts and stops it. */
export async function schedulerOver(
  store: EmbeddedStore,
  launcher: Launcher,
  { self, log, startsInFlight }: SchedulerParts,
): Promise<Scheduler> {
  return new Scheduler({
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
    startsInFlight,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** How runs are triggered: as fast as they end, or at a fixed rate per second, whatever their results. */
export type Load = { readonly underWay: number } | { readonly perSecond: number };

/** Concurrent runs while the maximum rate is measured. */
export const asManyAsGo: Load = { underWay: 512 };
/** Interval between two batches of a steady load. */
const PORTION_MS = 2;

/** Triggers runs for this time. Returns, when all have ended durably, how many ended per second. */
export async function sustain(scheduler: Scheduler, forMs: number, load: Load): Promise<number> {
  const name = 'underWay' in load ? 'busy' : 'steady';
  await scheduler.submit({
    kind: 'put-job',
    definition: { name, run: { argv: ['/bin/true'] }, policy: { overlap: 'allow' } },
    mode: 'create',
    by: 'bench',
    source: 'bench',
  });
  let ended = 0;
  let triggered = 0;
  const began = performance.now();
  const trigger = (): void => {
    triggered += 1;
    const triggerId = `b${triggered.toString(36).padStart(8, '0')}`;
    void scheduler.submit({ kind: 'trigger', name, triggerId, params: {}, by: 'bench' });
  };
  const isOver = (): boolean => performance.now() - began >= forMs;
  await new Promise<void>((resolve) => {
    const unsubscribe = scheduler.subscribe((notice) => {
      if (notice.kind !== 'run' || notice.run.endedAt === null) return;
      ended += 1;
      if ('underWay' in load && !isOver()) trigger();
      if (isOver() && ended === triggered) {
        unsubscribe();
        resolve();
      }
    });
    if ('underWay' in load) for (let i = 0; i < load.underWay; i++) trigger();
    else {
      const portion = setInterval(() => {
        const due = (Math.min(performance.now() - began, forMs) / 1_000) * load.perSecond;
        while (triggered < due) trigger();
        if (isOver()) clearInterval(portion);
      }, PORTION_MS);
    }
  });
  return ended / ((performance.now() - began) / 1_000);
}

export function print(title: string, rows: readonly (readonly [string, string])[]): void {
  process.stdout.write(`${title}\n`);
  for (const [what, figure] of rows) process.stdout.write(`  ${what.padEnd(46)} ${figure}\n`);
}

/** The API of a scheduler that has no other nodes. */
export const appOf = (
  scheduler: Scheduler,
  node: Member,
  log: Log,
  authenticator: Authenticator = believing(),
): FastifyInstance =>
  buildApp({
    scheduler,
    clock: realClock,
    log,
    node,
    peers: new Peers(realClock, node.id),
    authenticator,
    credentials: noCredentials(),
  });
