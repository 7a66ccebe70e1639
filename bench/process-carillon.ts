/** Carillon as a contestant of the benchmark of processes: a whole scheduler on the embedded store. */

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunLogs, defaultBytesPerStream } from '../src/executor/logs/run-logs.ts';
import { processEngine } from '../src/executor/process/description.ts';
import { installSupervisor } from '../src/executor/supervisor/file.ts';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import type { Scheduler } from '../src/scheduler/runtime/scheduler.ts';
import { createEmbeddedStore } from '../src/store/embedded/store.ts';
import { secretsFrom } from '../test/support/secrets.ts';
import { type Contestant, duesOf, type Opened } from './process-peers.ts';
import { schedulerOver } from './rig.ts';

const log = createLog({ level: 'error', format: 'json' });
const self = { id: 'bench', url: '', host: '', pid: process.pid, version: '' };

export const carillon = contestant('Carillon', {});
/** Each process waits at its gate for half a second. */
export const carillonWarm = contestant('Carillon, `warmStart`', { warmStart: 'PT0.5S' });

function contestant(name: string, policy: object): Contestant {
  return { name, keeps: 'its store: all, with output and exit codes', open: (line) => open(line, policy) };
}

async function open(line: string, policy: object): Promise<Opened> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const store = createEmbeddedStore({ dir: join(dir, 'store') });
  await store.open();
  const parts = {
    installation: await store.installation(),
    dataDir: dir,
    clock: realClock,
    log,
    logs: createRunLogs({ dir: join(dir, 'logs'), clock: realClock }),
    logBytesPerStream: defaultBytesPerStream,
    environment: process.env,
    secrets: secretsFrom(),
    supervisor: await installSupervisor(join(dir, 'process'), log),
  };
  const engine = await processEngine.create(parts, {
    secretDir: [],
    processConcurrency: 64,
    processStarts: 256,
  });
  if (engine === null) throw new Error('The process engine is not enabled.');
  const scheduler = await schedulerOver(store, engine.launcher, {
    self,
    log,
    startsInFlight: engine.startsInFlight ?? 2 * availableParallelism(),
  });
  await scheduler.start();
  let ended = Promise.resolve();
  return {
    want: async (wanted) => {
      const definitions = duesOf(wanted).map((due, i) => ({
        source: 'bench',
        definition: {
          name: `start-${wanted.due}-${i}`,
          schedule: { at: new Date(due).toISOString() },
          run: { command: line },
          policy,
        },
      }));
      ended = succeeded(scheduler, wanted.count);
      await scheduler.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'bench' });
    },
    close: async () => {
      await ended;
      await scheduler.stop();
      await engine.close?.();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Resolves when this many runs have ended; all must have succeeded. */
function succeeded(scheduler: Scheduler, count: number): Promise<void> {
  let left = count;
  return new Promise((resolve, reject) => {
    const unsubscribe = scheduler.subscribe((notice) => {
      if (notice.kind !== 'run' || notice.run.endedAt === null) return;
      if (notice.run.state !== 'succeeded') reject(new Error(`${notice.run.id} ${notice.run.state}`));
      left -= 1;
      if (left > 0) return;
      unsubscribe();
      resolve();
    });
  });
}
