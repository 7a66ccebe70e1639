/** Limits of the system for each process (`ulimit`), by their numbers. */

import type { Ulimit } from '../../scheduler/job/spec.ts';
import type { SystemLimit } from '../supervisor/start.ts';
import { refused } from './refusal.ts';

/** RLIMIT_*, by the name in a job. */
const numbers: Readonly<Record<string, number>> = {
  ...{ cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, rss: 5, nproc: 6, nofile: 7, memlock: 8, as: 9 },
  ...{ locks: 10, sigpending: 11, msgqueue: 12, nice: 13, rtprio: 14, rttime: 15 },
};

/** -1 is no limit. LAUNCH_REFUSED for a name that the system does not know. */
export function systemLimits(ulimits: readonly Ulimit[]): SystemLimit[] {
  const bound = (value: number): number | null => (value < 0 ? null : value);
  return ulimits.map(({ name, soft, hard }) => {
    const number = numbers[name];
    if (number !== undefined) return { number, soft: bound(soft), hard: bound(hard) };
    const message = `The system has no limit named ${name}`;
    throw refused(`run.ulimits.${name}`, name, message, Object.keys(numbers).join(', '));
  });
}
