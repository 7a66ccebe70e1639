/** What the benches of the whole scheduler share: an engine that does nothing, load, and how figures are printed. */

import type { Launcher, Observation } from '../src/scheduler/ports.ts';
import type { Scheduler } from '../src/scheduler/runtime/scheduler.ts';

/** Triggers in flight while a sustained rate is measured. */
const WINDOW = 512;

/** Starts nothing and ends at once: what is measured is the scheduler. */
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
    remove: async () => undefined,
    inventory: async () => [],
    logs: async function* () {},
    describe: async () => ({ reachable: true, version: null, detail: null }),
  };
}

/** Keeps runs started by hand under way for so long; answers how many ended durably, per second. */
export async function sustain(scheduler: Scheduler, forMs: number): Promise<number> {
  await scheduler.submit({
    kind: 'put-job',
    definition: { name: 'busy', run: { argv: ['/bin/true'] }, policy: { overlap: 'allow' } },
    mode: 'create',
    by: 'bench',
    source: 'bench',
  });
  let ended = 0;
  let triggered = 0;
  const until = performance.now() + forMs;
  await new Promise<void>((resolve) => {
    const next = (): void => {
      if (performance.now() >= until) {
        if (ended === triggered) resolve();
        return;
      }
      triggered += 1;
      const triggerId = `b${triggered.toString(36).padStart(8, '0')}`;
      void scheduler.submit({ kind: 'trigger', name: 'busy', triggerId, params: {}, by: 'bench' });
    };
    scheduler.subscribe((notice) => {
      if (notice.kind !== 'run' || notice.run.endedAt === null) return;
      ended += 1;
      next();
    });
    for (let i = 0; i < WINDOW; i++) next();
  });
  return ended / (forMs / 1_000);
}

export function print(title: string, rows: readonly (readonly [string, string])[]): void {
  process.stdout.write(`${title}\n`);
  for (const [what, figure] of rows) process.stdout.write(`  ${what.padEnd(46)} ${figure}\n`);
}
