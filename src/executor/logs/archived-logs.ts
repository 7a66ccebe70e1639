/** Kept logs with an archive: what is kept is uploaded, and what is not kept here is read from there. */

import type { LogArchive } from './archive.ts';
import type { RunLogs } from './run-logs.ts';

export function withArchive(logs: RunLogs, archive: Pick<LogArchive, 'add' | 'read'>): RunLogs {
  return {
    async copy(launchName, output) {
      await logs.copy(launchName, output);
      await archive.add(launchName);
    },
    async keep(launchName, output) {
      // Handed over before, by a call that was cut short: then it is found at a start.
      if (!(await output.exists())) return;
      await logs.keep(launchName, output);
      await archive.add(launchName);
    },
    has: (launchName) => logs.has(launchName),
    async *read(launchName, query, ended) {
      if (await logs.has(launchName)) yield* logs.read(launchName, query, ended);
      else yield* archive.read(launchName, query);
    },
    discard: (launchName) => logs.discard(launchName),
  };
}
