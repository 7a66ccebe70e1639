/**
 * What a chaos run leaves behind: the jobs, the faults, what the jobs themselves wrote, and what every node
 * said at the end. The checker judges it, the report draws it, and report.json keeps it. Instants are epoch
 * milliseconds.
 */

export interface ChaosJob {
  readonly name: string;
  readonly engine: 'process' | 'container';
  /** The nodes that may run it. Absent: the leader. */
  readonly on?: 'any';
  readonly schedule:
    | {
        readonly kind: 'repeat';
        readonly startMs: number;
        readonly intervalMs: number;
        readonly count: number;
      }
    | { readonly kind: 'after'; readonly parents: readonly string[] }
    | { readonly kind: 'manual' };
  readonly overlap: 'allow' | 'skip' | 'queue-all';
  readonly catchUp: 'all' | 'latest' | 'none';
  readonly retries: { readonly limit: number; readonly delayMs: number };
  /** Attempts up to this number end with `plannedFailure`; all others with 0. */
  readonly failsFirst: number;
  readonly durationMs: number;
  /** Each success is told to the receiver. */
  readonly reports?: true;
}

/** The exit code of an attempt that fails on purpose. */
export const plannedFailure = 7;

export const plannedExit = (job: ChaosJob, attempt: number): number =>
  attempt <= job.failsFirst ? plannedFailure : 0;

export type FaultKind =
  /** SIGKILL, and started again at `to`. */
  | 'kill'
  /** SIGSTOP until `to`. */
  | 'pause'
  /** No packets between a scheduler and the ensemble, or between one ZooKeeper server and the other two. */
  | 'cut-off'
  /** No packets at all. */
  | 'isolate';

export interface Fault {
  readonly kind: FaultKind;
  /** `machine`: not done by the plan but seen by the canary. */
  readonly on: 'scheduler' | 'zookeeper' | 'engine' | 'machine';
  /** `s1`, `zk1`, `dockerd`, `machine`. */
  readonly target: string;
  readonly from: number;
  /** When it was healed: started again, continued, connected. Null: never. */
  to: number | null;
  /** What the target was just before; null when it is not sure, which counts as leading. */
  readonly led: boolean | null;
}

/** One line that a job wrote: outside the system, by itself. */
export interface JobLine {
  readonly event: 'launch' | 'done';
  readonly job: string;
  readonly due: number;
  readonly run: string;
  readonly attempt: number;
  readonly at: number;
  /** With `done`. */
  readonly exitCode: number | null;
}

export interface AttemptRecord {
  readonly number: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly reason: string | null;
}

/** A run as the API tells of it. */
export interface RunRecord {
  readonly id: string;
  readonly job: string;
  readonly due: number;
  readonly kind: 'schedule' | 'parents' | 'manual' | 'rerun';
  readonly state: string;
  readonly reason: string | null;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly parents: readonly string[];
  readonly attempts: readonly AttemptRecord[];
}

export interface LedgerRecord {
  readonly job: string;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly end: 'ran' | 'skipped' | 'missed' | 'caught-up';
  /** How its run ended; null: there is none, or it is unfinished. */
  readonly state: RunRecord['state'] | null;
  readonly reason: string | null;
  readonly run: string | null;
}

/** A trigger that was asked for. */
export interface TriggerRecord {
  readonly job: string;
  /** The Idempotency-Key; asked again under the same one after an error. */
  readonly key: string;
  readonly node: string;
  readonly askedAt: number;
  /** When it was answered, or given up. */
  readonly at: number;
  /** The run that a 202 named; null when none came: then it may have happened or not. */
  readonly run: string | null;
}

/** What one node answered at the end. */
export interface NodeAnswer {
  readonly node: string;
  readonly runs: readonly RunRecord[];
  readonly ledger: readonly LedgerRecord[];
}

/** A message as its receiver got it; repetitions too. */
export interface MessageRecord {
  readonly key: string;
  readonly job: string | null;
  readonly step: string;
  readonly condition: string;
  /** When it was decided. */
  readonly at: number;
  readonly run: string | null;
  /** Of what it says. */
  readonly digest: string;
  readonly receivedAt: number;
}

export interface Messages {
  /** In the order of their arrival. */
  readonly received: readonly MessageRecord[];
  /** Keys of messages that the leader still owed at the end. */
  readonly owed: readonly string[];
}

/** What a node was at a time, as polled: for the picture and for counting changes of leader. */
export interface RoleSample {
  readonly node: string;
  readonly at: number;
  readonly role: 'leader' | 'follower' | 'starting' | 'down';
  readonly term: number;
}

/** How fast the system promises to be; every one is part of the verdict, so none is generous. */
export interface Bounds {
  /** Due until begun while nothing is wrong: a busy machine with few cores. */
  readonly slackMs: number;
  /** A leader that is gone in whatever way until another leads. */
  readonly takeoverMs: number;
  /** A change in the ensemble until it serves again and every client has found a server. */
  readonly ensembleMs: number;
  /** A scheduler's start until it takes part. */
  readonly bootMs: number;
  /** The container engine's start until it launches again. */
  readonly engineMs: number;
  /** A node that is not reached for this long has lost its processes. */
  readonly lostAfterMs: number;
  /** What piled up in a bad stretch takes this share of the stretch to be worked off. */
  readonly backlogShare: number;
}

export interface History {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly schedulers: readonly string[];
  readonly zookeepers: readonly string[];
  readonly bounds: Bounds;
  readonly jobs: readonly ChaosJob[];
  readonly faults: readonly Fault[];
  readonly lines: readonly JobLine[];
  readonly triggers: readonly TriggerRecord[];
  /** Null: nobody was told anything. */
  readonly messages: Messages | null;
  /** Ended runs as read on the way, for those that left the bounded archive before the end. */
  readonly collected: readonly RunRecord[];
  /** The first is the leader's. */
  readonly answers: readonly NodeAnswer[];
  readonly roles: readonly RoleSample[];
}

export interface Violation {
  readonly rule: string;
  readonly job: string | null;
  /** The due instant it is about; null when it is about none. */
  readonly due: number | null;
  /** Where it is drawn. */
  readonly at: number;
  /** Names job, instant and what was seen. */
  readonly message: string;
}

export const iso = (ms: number): string => new Date(ms).toISOString();

/** The instants at which a job is due by its schedule; children and manual jobs have none of their own. */
export function instantsOf({ schedule }: ChaosJob): number[] {
  if (schedule.kind !== 'repeat') return [];
  const { startMs, intervalMs, count } = schedule;
  return Array.from({ length: count }, (_, i) => startMs + i * intervalMs);
}

/**
 * The lines of a job file: `launch JOB DUE RUN ATTEMPT UPTIME` and `done JOB DUE RUN ATTEMPT UPTIME EXIT`.
 * The time is the machine's uptime in seconds, which a shell without `date +%N` can read and no clock step
 * changes; `bootedAt` is the epoch instant of uptime 0. A line that cannot be read is reported.
 */
export function parseLines(text: string, bootedAt: number): { lines: JobLine[]; unreadable: string[] } {
  const lines: JobLine[] = [];
  const unreadable: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [event, job, due, run, attempt, uptime, exitCode] = line.split(' ');
    const at = bootedAt + Math.round(Number(uptime) * 1_000);
    const read = { job: job ?? '', due: Date.parse(due ?? ''), run: run ?? '', attempt: Number(attempt), at };
    const valid = Number.isFinite(read.due) && Number.isInteger(read.attempt) && Number.isFinite(at);
    if (valid && event === 'launch') lines.push({ event, ...read, exitCode: null });
    else if (valid && event === 'done' && exitCode !== undefined)
      lines.push({ event, ...read, exitCode: Number(exitCode) });
    else unreadable.push(line);
  }
  return { lines, unreadable };
}
