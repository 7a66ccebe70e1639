/** A folder for launchers of one engine, and what all of them are given. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunLogs, type RunLogs } from '../../src/executor/logs/run-logs.ts';
import type { Secrets } from '../../src/executor/secrets/secrets.ts';
import { realClock } from '../../src/node/clock.ts';
import type { Clock, Log } from '../../src/scheduler/ports.ts';
import { secretsFrom } from '../support/secrets.ts';

export interface LauncherPlace {
  readonly dir: string;
  /** Where jobs can leave a trace. */
  readonly traces: string;
  /** Log lines of all launchers. */
  readonly logged: string[];
  /** For one more launcher. */
  options(): {
    readonly installation: string;
    readonly clock: Clock;
    readonly log: Log;
    readonly logs: RunLogs;
    readonly secrets: Secrets;
  };
  remove(): void;
}

export function launcherPlace(engine: string): LauncherPlace {
  const dir = mkdtempSync(join(tmpdir(), `carillon-${engine}-`));
  const traces = join(dir, 'traces');
  mkdirSync(traces);
  const logged: string[] = [];
  const write = (fields: object, event: string) => void logged.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  return {
    dir,
    traces,
    logged,
    options: () => ({
      installation: 'conformance',
      clock: realClock,
      log,
      logs: createRunLogs({ dir: join(dir, 'logs'), clock: realClock }),
      secrets: secretsFrom(),
    }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
