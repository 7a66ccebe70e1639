/** The scheduler's share of the processors while its jobs keep them busy. */

import { readFileSync, writeFileSync } from 'node:fs';

const AUTOGROUP = '/proc/self/autogroup';
/** Nine times the weight of a session with the default of 0. */
const NICE = '-10';

/**
 * Raises the priority of this process's session on Linux, where each session has the same share of the processors
 * (autogroups, sched(7)). Each job is a session of its own, so a hundred busy jobs would leave the scheduler one
 * part in a hundred, and starts would be late by seconds. Jobs keep the default.
 *
 * Returns whether it was raised. It needs root, or CAP_SYS_NICE. A process that does not lead its session, as in a
 * terminal, leaves it unchanged: the setting would apply to the terminal's other programs and outlast this one.
 */
export function raisePriority(): boolean {
  try {
    if (!leadsSession()) return false;
    writeFileSync(AUTOGROUP, NICE);
    return true;
  } catch {
    // Another system, a kernel without autogroups, or no permission.
    return false;
  }
}

function leadsSession(): boolean {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The name of the program, in parentheses, may contain anything. Then: state, parent, group, session.
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === process.pid;
}
