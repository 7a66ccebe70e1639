/**
 * The journal of one process launch: short lines that its supervisor and schedulers wrote, in areas of the launch's file
 * (supervisor/launch.h), or in a file of its directory. A line counts once it has its newline. Of repeated lines the first
 * counts, except that the earliest of several kill deadlines applies. Pure.
 */

import type { LaunchReport } from '../../scheduler/ports.ts';
import { exitReason } from '../exit-reason.ts';
import { parseStatus } from '../logs/frames.ts';
import { obstacleText } from './faults.ts';

export interface LaunchRecord {
  /** The installation. It is called so in files of all releases. */
  readonly cluster: string;
  readonly term: number;
  readonly job: string;
  readonly run: string;
  readonly attempt: number;
  readonly due: number;
  readonly createdAt: number;
  /** Of the machine at that time. */
  readonly boot: string;
  /** All hosts on which the launch runs, if there are several. */
  readonly hosts?: readonly string[];
}

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
  /** Its supervisor ended it after its timeout, because no scheduler did. */
  readonly overtime: boolean;
  /** A process of it was killed because its memory was used up. */
  readonly outOfMemory: boolean;
  /** KILL was sent. */
  readonly killed: boolean;
  /** When a scheduler found that nothing is left of it, epoch milliseconds: final. */
  readonly endedAt: number | null;
  /** Bytes of dropped output, counted at the end. */
  readonly bytesDropped: number;
  /** When the job started, epoch milliseconds. Null if it did not, or if the journal does not say. */
  readonly startedAt: number | null;
  /** When its exit code was noted, epoch milliseconds. Null if there is none, or if the journal does not say. */
  readonly exitedAt: number | null;
  /** What the launch used of the machine. Null: unknown. */
  readonly usage: Usage | null;
}

export const journalLine = {
  kill: (atMs: number, graceMs: number): string => `kill ${Math.round(atMs)} ${Math.round(graceMs)}\n`,
  killed: 'killed\n',
  ended: (atMs: number, bytesDropped: number): string => `ended ${Math.round(atMs)} ${bytesDropped}\n`,
} as const;

/** Blocks of `getrusage` have this size, whatever the disk and its file system. */
const blockBytes = 512;

type Usage = NonNullable<LaunchReport['usage']>;

/** Where the areas of a launch's file begin: supervisor/launch.h. */
export const area = { notes: 64, orders: 1024, record: 2048 } as const;

/** The record of a launch in its file. */
export interface FileRecord extends LaunchRecord {
  /** Unique: the name of its files beside this one. */
  readonly id: string;
  readonly cgroup: string | null;
  /** Folders of the groups with its limits. Absent: none. */
  readonly limitGroups?: readonly string[];
}

/** The beginning of a launch's file. Without a record, it did not survive a crash of the machine. */
export function parseLaunchFile(bytes: Buffer): {
  readonly record: FileRecord | null;
  readonly journal: Journal;
} {
  const status = parseStatus(bytes);
  const textOf = (from: number, to: number): string => {
    const part = bytes.subarray(from, to);
    const end = part.indexOf(0);
    return part.toString('utf8', 0, end < 0 ? part.length : end);
  };
  const record = status && parsedOrNull(textOf(area.record, status.begin));
  const cgroup = record?.cgroup ?? null;
  const notes = textOf(area.notes, area.orders).split('\n').slice(0, -1);
  const orders = parseJournal(textOf(area.orders, area.record));
  const all = parseNotes(notes, { ...orders, bytesDropped: status?.dropped ?? 0 });
  return {
    record,
    journal: { ...all, cgroup: notes.includes('in-cgroup') && all.supervisor ? cgroup : null },
  };
}

/** The lines that only the supervisor writes. */
function parseNotes(lines: readonly string[], orders: Journal): Journal {
  let { supervisor, job, obstacle, exitCode, killed, endedAt, startedAt, exitedAt, usage } = orders;
  let { overtime, outOfMemory } = orders;
  for (const line of lines) {
    const [word, ...rest] = line.split(' ');
    const [first = 0, second = 0] = rest.map(numberOr0);
    const boot = rest[2] ?? '-';
    if (word === 'job') job = { pid: first, began: String(second), boot };
    else if (word === 'start') {
      supervisor = { pid: first, began: String(second), boot };
      job = job && { ...job, boot };
      startedAt = numberOr0(rest[3]);
    } else if (word === 'error') obstacle = first;
    else if (word === 'exit') {
      exitCode = first;
      exitedAt = second;
    } else if (word === 'killed') killed = true;
    else if (word === 'overtime') overtime = true;
    else if (word === 'out-of-memory') outOfMemory = true;
    else if (word === 'usage') usage = usageOf(rest.map(numberOr0));
    else if (word === 'gone') endedAt = first;
  }
  const of = { supervisor, job: supervisor && job, obstacle, exitCode, killed, overtime, outOfMemory, usage };
  return { ...orders, ...of, endedAt, startedAt, exitedAt };
}

/** Microseconds in user and system mode, KiB, blocks read and written; the context switches that follow are not shown. */
const usageOf = ([user = 0, system = 0, peak = 0, read = 0, written = 0]: readonly number[]): Usage => ({
  cpuMs: Math.round((user + system) / 1_000),
  peakBytes: peak * 1_024,
  readBytes: read * blockBytes,
  writtenBytes: written * blockBytes,
});

function parsedOrNull(json: string): FileRecord | null {
  try {
    return JSON.parse(json) as FileRecord;
  } catch {
    return null;
  }
}

/** The lines of a launch's directory, or of schedulers. */
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
    overtime: false,
    outOfMemory: false,
    endedAt,
    bytesDropped,
    startedAt: null,
    exitedAt: null,
    usage: null,
  };
}

/** The result of an ended launch, according to its journal. */
export function outcomeOf(
  journal: Journal,
  bootNow: string,
): Pick<LaunchReport, 'reason' | 'cause' | 'infrastructure' | 'bytesDropped' | 'usage'> & {
  readonly exitCode: number | null;
} {
  const { bytesDropped, usage } = journal;
  return { ...endOf(journal, bootNow), ...(bytesDropped > 0 && { bytesDropped }), ...(usage && { usage }) };
}

function endOf(
  journal: Journal,
  bootNow: string,
): Pick<LaunchReport, 'reason' | 'cause' | 'infrastructure'> & { readonly exitCode: number | null } {
  const { exitCode, kill, supervisor, obstacle } = journal;
  if (journal.overtime) {
    const reason = 'Timed out: ended by its supervisor, because no scheduler was there to do it';
    return { exitCode, reason, cause: { code: 'timeout-enforced' } };
  }
  if (exitCode !== 0 && exitCode !== null && journal.outOfMemory && !journal.kill) {
    const reason = `Out of memory: run.resources.memory was used up (exit code ${exitCode})`;
    return { exitCode, reason, cause: { code: 'out-of-memory' } };
  }
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

/** A job can write the file of its own launch: what is no number must not get into the scheduler's state. */
const numberOr0 = (text = ''): number => wholeNumber(text) ?? 0;

function wholeNumber(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
