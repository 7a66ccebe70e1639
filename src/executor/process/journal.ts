/**
 * The journal of one process launch: an append-only file of short lines, written by the supervisor (`start`,
 * `exit`, and where it is no shell `job` and `cgroup` before `start`, and `error` before `exit`) and by schedulers (`kill`,
 * `killed`, `ended`). A line counts once its newline is there; of repeated lines the first counts, except that the earliest of several kill deadlines holds. Pure.
 */

import type { LaunchReport } from '../../scheduler/ports.ts';
import { exitReason } from '../exit-reason.ts';
import { obstacleText } from './faults.ts';

/** Tells one process from all others that ever had or will have its number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The boot of the machine; `-` where the system has no name for it. */
  readonly boot: string;
  /** When the process began, in the words of the system: ticks since boot, or what `ps` prints. */
  readonly began: string;
}

export interface Journal {
  /** Null: the job was not started (yet). */
  readonly supervisor: ProcessIdentity | null;
  /** Leads the job's process group; null where the supervisor does. */
  readonly job: ProcessIdentity | null;
  /** The folder of the cgroup that the job was started in. */
  readonly cgroup: string | null;
  /** What the system said when it was to execute the job's program (`errno`); null when it did. */
  readonly obstacle: number | null;
  /** Of the job; null while it runs, and for ever if the supervisor was killed with it. */
  readonly exitCode: number | null;
  /** TERM was sent; KILL follows at `by`, epoch milliseconds. */
  readonly kill: { readonly by: number; readonly graceMs: number } | null;
  /** KILL was sent. */
  readonly killed: boolean;
  /** When a scheduler saw that nothing is left of it, epoch milliseconds: final. */
  readonly endedAt: number | null;
  /** Of its output, counted at the end. */
  readonly bytesDropped: number;
}

export const journalLine = {
  kill: (atMs: number, graceMs: number): string => `kill ${Math.round(atMs)} ${Math.round(graceMs)}\n`,
  killed: 'killed\n',
  ended: (atMs: number, bytesDropped: number): string => `ended ${Math.round(atMs)} ${bytesDropped}\n`,
} as const;

export function parseJournal(text: string): Journal {
  let supervisor: Journal['supervisor'] = null;
  let job: Omit<ProcessIdentity, 'boot'> | null = null;
  let cgroup: string | null = null;
  let obstacle: number | null = null;
  let exitCode: number | null = null;
  let kill: Journal['kill'] = null;
  let killed = false;
  let endedAt: number | null = null;
  let bytesDropped = 0;
  for (const line of text.split('\n').slice(0, -1)) {
    const [word, first = '', second = ''] = line.split(' ', 3);
    if (word === 'start') supervisor ??= parseStart(line);
    // Only before the start: a job could have got hold of the journal of a shell that is its user.
    else if (word === 'job' && !supervisor) job ??= parseProcess(line.slice('job '.length));
    else if (word === 'cgroup' && !supervisor) cgroup ??= /^cgroup (\/.+)$/.exec(line)?.[1] ?? null;
    else if (word === 'error') obstacle ??= wholeNumber(first);
    else if (word === 'exit') exitCode ??= wholeNumber(first);
    else if (word === 'killed') killed = true;
    else if (word === 'ended' && endedAt === null) {
      endedAt = wholeNumber(first);
      bytesDropped = wholeNumber(second) ?? 0;
    } else if (word === 'kill') {
      const at = wholeNumber(first);
      const graceMs = wholeNumber(second);
      if (at !== null && graceMs !== null && (kill === null || at + graceMs < kill.by)) {
        kill = { by: at + graceMs, graceMs };
      }
    }
  }
  // Without a start there was no job.
  return {
    supervisor,
    job: supervisor && job && { ...job, boot: supervisor.boot },
    cgroup: supervisor && cgroup,
    obstacle,
    exitCode,
    kill,
    killed,
    endedAt,
    bytesDropped,
  };
}

/** What an ended launch says of itself. */
export function outcomeOf(
  journal: Journal,
  bootNow: string,
): Pick<LaunchReport, 'reason' | 'infrastructure' | 'bytesDropped'> & { readonly exitCode: number | null } {
  const { bytesDropped } = journal;
  return { ...endOf(journal, bootNow), ...(bytesDropped > 0 && { bytesDropped }) };
}

function endOf(
  journal: Journal,
  bootNow: string,
): Pick<LaunchReport, 'reason' | 'infrastructure'> & { readonly exitCode: number | null } {
  const { exitCode, kill, supervisor, obstacle } = journal;
  if (exitCode !== null && obstacle !== null) {
    return { exitCode, reason: `The program can not be executed: ${obstacleText(obstacle)}` };
  }
  const reason = exitReason(exitCode);
  if (reason !== undefined) return { exitCode, reason };
  if (exitCode !== null && !(exitCode === 137 && journal.killed)) return { exitCode };
  if (!supervisor && journal.killed) return { exitCode: 137, reason: 'Killed before it was started' };
  if (journal.killed) {
    return { exitCode: 137, reason: `Killed: still running ${kill?.graceMs ?? 0} ms after TERM` };
  }
  if (!supervisor) {
    return {
      exitCode: null,
      infrastructure: true,
      reason: 'Lost: its supervisor ended before the job began',
    };
  }
  if (supervisor.boot !== bootNow) {
    return { exitCode: null, infrastructure: true, reason: 'Lost: the machine was restarted while it ran' };
  }
  return { exitCode: null, reason: 'Lost: its supervisor was killed, so no exit code is known' };
}

/** `start <pid> <boot> <line of /proc/<pid>/stat, or what ps says>`. */
function parseStart(line: string): ProcessIdentity | null {
  const parts = /^start (\d+) (\S+) (.+)$/.exec(line);
  if (!parts) return null;
  const [, pid, boot, rest] = parts as unknown as [string, string, string, string];
  const began = boot === '-' ? rest.trim().replace(/\s+/g, ' ') : parseStat(rest)?.began;
  return began ? { pid: Number(pid), boot, began } : null;
}

/** `<pid> <line of /proc/<pid>/stat>`. */
function parseProcess(text: string): Omit<ProcessIdentity, 'boot'> | null {
  const [, pid, stat = ''] = /^(\d+) (.+)$/.exec(text) ?? [];
  const began = parseStat(stat)?.began;
  return began ? { pid: Number(pid), began } : null;
}

/** Of a line of /proc/<pid>/stat. The command in parentheses may hold anything, parentheses too. */
export function parseStat(stat: string): { began: string; group: number; state: string } | null {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const [state, group, began] = [fields[0], fields[2], fields[19]];
  return state && group && began ? { state, group: Number(group), began } : null;
}

function wholeNumber(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
