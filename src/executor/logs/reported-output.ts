/** What reporters send as the output of their runs, beside the logs of the engines and within the same limits. */

import type { LogChunk } from '../../scheduler/ports.ts';
import type { ReportedOutput } from '../../scheduler/reported-output.ts';
import type { RunLogs } from './run-logs.ts';

export function createReportedOutput(logs: RunLogs, host: string | null): ReportedOutput {
  return {
    host,
    keep: (launchName, bytes) => logs.copy(launchName, oneChunk(bytes)),
    read: (launchName, query) => logs.read(launchName, query, () => true),
  };
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<LogChunk> {
  yield { stream: 'stdout', bytes };
}
