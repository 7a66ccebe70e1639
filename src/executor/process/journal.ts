/**
 * The journal of one process launch: an append-only file of short lines, written by the supervisor (`start`,
 * `exit`, and if it is not a shell `job` and `cgroup` before `start`, and `error` before `exit`) and by
 * schedulers (`kill`, `killed`, `ended`). A line counts once it has its newline. Of repeated lines the first
 * counts, except that the earliest of several kill deadlines applies. Pure.
 */

import type { LaunchReport } from '../../scheduler/ports.ts';
import { exitReason } from '../exit-reason.ts';
import { obstacleText } from './faults.ts';

/** Distinguishes a process from all others with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The boot of the machine; `-` if the system has no name for it. */
  readonly boot: string;
  /** When the process started, in the system's format: ticks since boot, or the output of `ps`. */
  readonly began: string;
}

export interface Journal {
  /** Null: the job was not started (yet). */
  readonly supervisor: ProcessIdentity | null;
  /** Leader of the job's process group. Null if that is the supervisor. */
  readonly job: ProcessIdentity | null;
  /** The folder of the job's cgroup. */
  readonly cgroup: string | null;
  /** The error (`errno`) of executing the job's program. Null if there was none. */
  readonly obstacle: number | null;
  /** The job's exit code. Null while it runs, and permanently if the supervisor was killed with it. */
  readonly exitCode: number | null;
  /** TERM was sent; KILL follows at `by`, epoch milliseconds. */
  readonly kill: { readonly by: number; readonly graceMs: number } | null;
  /** KILL was sent. */
  readonly killed: boolean;
  /** When a scheduler found that nothing is left of it, epoch milliseconds: final. */
  readonly endedAt: number | null;
  /** Bytes of dropped output, counted at the end. */
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
    // Only before the start: a job could have access to the journal of a shell that runs as its user.
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

/** The result of an ended launch, according to its journal. */
export function outcomeOf(
  journal: Journal,
  bootNow: string,
): Pick<LaunchReport, 'reason' | 'cause' | 'infrastructure' | 'bytesDropped'> & {
  readonly exitCode: number | null;
} {
  const { bytesDropped } = journal;
  return { ...endOf(journal, bootNow), ...(bytesDropped > 0 && { bytesDropped }) };
}

function endOf(
  journal: Journal,
  bootNow: string,
): Pick<LaunchReport, 'reason' | 'cause' | 'infrastructure'> & { readonly exitCode: number | null } {
  const { exitCode, kill, supervisor, obstacle } = journal;
  if (exitCode !== null && obstacle !== null) {
    const reason = `The program cannot be executed: ${obstacleText(obstacle)}`;
    return { exitCode, reason, cause: { code: 'not-executable' } };
  }
  const known = exitReason(exitCode);
  if (known !== undefined) return { exitCode, ...known };
  if (exitCode !== null && !(exitCode === 137 && journal.killed)) return { exitCode };
  if (!supervisor && journal.killed) {
    return { exitCode: 137, reason: 'Killed before it was started', cause: { code: 'never-started' } };
  }
  if (journal.killed) {
    const reason = `Killed: still running ${kill?.graceMs ?? 0} ms after TERM`;
    return { exitCode: 137, reason, cause: { code: 'kill-forced' } };
  }
  if (!supervisor) {
    return {
      exitCode: null,
      infrastructure: true,
      reason: 'Lost: its supervisor ended before the job started',
      cause: { code: 'never-started' },
    };
  }
  if (supervisor.boot !== bootNow) {
    return {
      exitCode: null,
      infrastructure: true,
      reason: 'Lost: the machine was restarted while it was running',
      cause: { code: 'machine-restarted' },
    };
  }
  const reason = 'Lost: its supervisor was killed, so the exit code is unknown';
  return { exitCode: null, reason, cause: { code: 'supervisor-lost' } };
}

/** `start <pid> <boot> <line of /proc/<pid>/stat, or output of ps>`. */
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

/** A line of /proc/<pid>/stat. The command in parentheses may contain anything, including parentheses. */
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
