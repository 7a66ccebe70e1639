/** Kept outputs of one host: a launch on several hosts has the same name on each. */

import { createHash } from 'node:crypto';
import type { RunLogs } from '../logs/run-logs.ts';

export function logsOf(host: string, logs: RunLogs): RunLogs {
  const key = (launchName: string): string =>
    `h-${createHash('sha256').update(`${host}\n${launchName}`).digest('hex').slice(0, 40)}`;
  return {
    copy: (name, output) => logs.copy(key(name), output),
    keep: (name, output) => logs.keep(key(name), output),
    has: (name) => logs.has(key(name)),
    read: (name, query, ended) => logs.read(key(name), query, ended),
    discard: (name) => logs.discard(key(name)),
  };
}
