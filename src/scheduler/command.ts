/** The commands that users and scripts send to the scheduler, with their answers. */

import type { CarillonError } from '../errors.ts';
import type { Binding } from './access/principal.ts';
import type { JobDefinition } from './job/definition.ts';
import type { Labels } from './job/node-choice.ts';
import type { GivenParams } from './job/params.ts';
import type { Alert, Notification } from './model/alert.ts';
import type { Backfill, BackfillOptions, BackfillPlan } from './model/backfill.ts';
import type { MaintenanceMode, StoredCalendar } from './model/calendar.ts';
import type { Job, JobState, Run } from './model/model.ts';
import type { Reason } from './model/reason.ts';
import type { AuditLine, SessionsEnd, SigningKey, Token } from './model/token.ts';
import type { Window } from './schedule/calendar/calendar.ts';
import type { Exception } from './schedule/model.ts';

export type Command =
  /** `create` refuses an existing name, `replace` accepts both; `expected` refuses any other revision. */
  | {
      readonly kind: 'put-job';
      readonly definition: unknown;
      readonly mode: 'create' | 'replace';
      readonly expected?: number;
      readonly by: string;
      readonly source: string;
    }
  /** Many jobs at once: parents may come after their children. Each job is accepted or rejected by itself. */
  | {
      readonly kind: 'apply';
      readonly definitions: readonly AppliedDefinition[];
      /** Results of checking each job by itself, if that was done before. */
      readonly judged?: readonly Judged[];
      /** Calendars that jobs may name beside the stored ones. */
      readonly assumed?: readonly StoredCalendar[];
      readonly prune: Prune | null;
      readonly dryRun: boolean;
      readonly by: string;
    }
  | {
      readonly kind: 'delete-job';
      readonly name: string;
      readonly dependents: 'refuse' | 'cascade' | 'detach';
      readonly by: string;
    }
  /** `until`: it is resumed by itself then. */
  | { readonly kind: 'pause'; readonly name: string; readonly until?: number; readonly by: string }
  /** Also enables a job that was disabled after failures. */
  | { readonly kind: 'resume'; readonly name: string; readonly by: string }
  /** `triggerId` makes the request idempotent: `[a-z0-9]{4,32}`, and the same id gives the same run. */
  | {
      readonly kind: 'trigger';
      readonly name: string;
      readonly triggerId: string;
      readonly params: GivenParams;
      readonly by: string;
    }
  /**
   * Starts several jobs: each runs once, after those of its parents that run in the same start. The same
   * trigger id gives the same start. Each job gets those of the parameters that it declares.
   */
  | {
      readonly kind: 'start';
      readonly names: readonly string[];
      readonly params?: GivenParams;
      readonly triggerId: string;
      readonly dryRun: boolean;
      readonly by: string;
    }
  /** `run` is an ended run from the archive. */
  | { readonly kind: 'rerun'; readonly run: Run; readonly triggerId: string; readonly by: string }
  | { readonly kind: 'kill'; readonly runId: string; readonly by: string }
  /** Ends what is unfinished of the pipeline of this run, and lets nothing follow. `members`: runs of it that have ended. */
  | {
      readonly kind: 'kill-pipeline';
      readonly run: Run;
      readonly members: readonly string[];
      readonly by: string;
    }
  /** Runs ended runs of one pipeline again, as one decision. */
  | {
      readonly kind: 'rerun-pipeline';
      readonly run: Run;
      readonly runs: readonly Run[];
      readonly triggerId: string;
      readonly by: string;
    }
  /** Reports the result of a run of a job with `completion: callback`. */
  | { readonly kind: 'complete'; readonly runId: string; readonly succeeded: boolean; readonly by: string }
  /** Somebody else has started or ended a run of a job without `run`; see rules/reports.ts. */
  | {
      readonly kind: 'report';
      readonly name: string;
      readonly step: ReportStep;
      /** Equal in all reports about one run, so that a repeated one changes nothing. Null: unknown. */
      readonly key: string | null;
      /** Names a run that belongs to no due time: `[a-z0-9]{4,32}`. */
      readonly triggerId: string;
      /** How long ago it happened. */
      readonly agoMs: number;
      /** With an end: how long it ran. Null: unknown. */
      readonly durationMs: number | null;
      readonly exitCode: number | null;
      /** Where its output is kept. Null: there is none. */
      readonly output: KeptOutput | null;
      /** A run of the job that was given up, which this may be; from the archive. */
      readonly givenUp: Run | null;
      readonly by: string;
    }
  /** Somebody takes care of an open alert. */
  | {
      readonly kind: 'acknowledge';
      /** Of the alert. */
      readonly id: string;
      /** Null: until it ends. */
      readonly until: number | null;
      readonly by: string;
    }
  /** No messages about the job until then. */
  | {
      readonly kind: 'mute';
      readonly name: string;
      readonly until: number;
      readonly reason: string;
      readonly by: string;
    }
  | { readonly kind: 'unmute'; readonly name: string; readonly by: string }
  /** Sends a notification that could not be delivered. */
  | { readonly kind: 'send-again'; readonly id: string; readonly by: string }
  /**
   * Marks the job's last run as succeeded if it was not; without one, creates a succeeded run. Children
   * follow.
   */
  | { readonly kind: 'mark-success'; readonly name: string; readonly triggerId: string; readonly by: string }
  | ExceptionCommand
  | CalendarCommand
  /**
   * Runs jobs at due times that have passed. Whoever asks has chosen these from the ledger. The same id gives the same
   * backfill: `[a-z0-9]{4,32}`.
   */
  | {
      readonly kind: 'backfill';
      readonly id: string;
      readonly targets: readonly BackfillTarget[];
      readonly options: BackfillOptions;
      readonly dryRun: boolean;
      readonly by: string;
    }
  | {
      readonly kind: 'pause-backfill' | 'resume-backfill' | 'cancel-backfill';
      readonly id: string;
      readonly by: string;
    }
  | AccessCommand;

/** Skips or moves one due time of a job; see rules/calendars/exceptions.ts. */
export type ExceptionCommand =
  | { readonly kind: 'skip-next'; readonly name: string; readonly reason: string; readonly by: string }
  | {
      readonly kind: 'move-due';
      readonly name: string;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
      readonly by: string;
    }
  /** What was skipped or moved is due at its time again. */
  | { readonly kind: 'clear-exception'; readonly name: string; readonly at: number; readonly by: string };

export interface ExceptionAnswer {
  readonly name: string;
  readonly exception: Exception;
}

/** See rules/calendars/commands.ts. */
export type CalendarCommand =
  | ({
      readonly kind: 'put-calendar';
      /** Refuses any other revision. */
      readonly expected?: number;
      readonly dryRun: boolean;
      readonly by: string;
    } & AppliedCalendar)
  | { readonly kind: 'delete-calendar'; readonly name: string; readonly by: string }
  /** Replaces one of the same labels. */
  | {
      readonly kind: 'begin-maintenance';
      /** Empty: every job. */
      readonly labels: Labels;
      readonly until: number;
      readonly reason: string;
      readonly by: string;
    }
  | { readonly kind: 'end-maintenance'; readonly id: string; readonly by: string };

/** A calendar with the windows of its rules, which are expanded outside of the core. */
export interface AppliedCalendar {
  readonly document: unknown;
  readonly expanded: readonly Window[];
  readonly expandedUntil: number | null;
  readonly source: string;
}

/** What access is decided by; see rules/access/commands.ts. */
export type AccessCommand =
  | {
      readonly kind: 'create-token';
      readonly id: string;
      readonly name: string;
      readonly sha256: string;
      readonly bindings: readonly Binding[];
      readonly expiresAt: number | null;
      readonly by: string;
    }
  | { readonly kind: 'revoke-token'; readonly id: string; readonly by: string }
  /** Tokens were used. Those that do not exist are passed over. */
  | {
      readonly kind: 'note-use';
      readonly uses: readonly { readonly id: string; readonly at: number; readonly from: string | null }[];
      readonly by: string;
    }
  /** The newest two keys are kept. */
  | { readonly kind: 'add-key'; readonly id: string; readonly secret: string; readonly by: string }
  /** Of this person, or of everybody (`*`). */
  | { readonly kind: 'end-sessions'; readonly id: string; readonly by: string }
  /** What happened outside of the core: log-ins, refused requests. The core adds id and term. */
  | { readonly kind: 'note'; readonly lines: readonly NotedLine[]; readonly by: string };

/** A job and its due times, ascending. */
export interface BackfillTarget {
  readonly job: string;
  readonly dues: readonly number[];
}

export interface BackfillAnswer {
  readonly backfill: Backfill;
  readonly plan: BackfillPlan;
  /** Jobs downstream that do not follow: they join loosely, or somebody else runs them. */
  readonly left: readonly string[];
}

export type NotedLine = Omit<AuditLine, 'id' | 'term'>;

export const reportSteps = ['start', 'success', 'fail'] as const;
export type ReportStep = (typeof reportSteps)[number];

export interface KeptOutput {
  readonly launchName: string;
  /** The node that has it. Null: there is only one. */
  readonly host: string | null;
}

/** What became of a report. */
export interface ReportAnswer {
  /** Null: it was ended by an earlier report, and is not looked up. */
  readonly run: Run | null;
  /** The same was reported before, and nothing was changed. */
  readonly repeated: boolean;
}

export interface AppliedDefinition {
  readonly definition: unknown;
  /** For messages, such as `jobs.yaml:12`. */
  readonly source: string;
}

/** A definition that is accepted as far as it can be judged without other jobs. */
export interface Checked {
  readonly definition: JobDefinition;
  readonly source: string;
  readonly warnings: readonly string[];
}

/** A job that passed, with its next revision; null where nothing changes. */
export interface Accepted {
  readonly checked: Checked;
  readonly next: { readonly job: Job; readonly cursor: number | null } | null;
}

/** What became of one definition by itself, and against which job of its name: while that stands, it holds. */
export interface Judged {
  readonly of: AppliedDefinition;
  readonly name: string;
  readonly before: Job | null;
  readonly past: JobState | null;
  readonly fate: (Accepted & { readonly warnings: readonly string[] }) | CarillonError;
}

/** Deletes jobs that are not among the applied ones: all of them, or those with these labels. */
export interface Prune {
  readonly labels: Readonly<Record<string, string>>;
}

/** The outcome for one job of an `apply`. */
export interface ApplyResult {
  readonly name: string;
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'deleted' | 'refused';
  readonly revision: number | null;
  /** With `refused`: the reason as a catalogue error. */
  readonly error: { readonly code: string; readonly message: string; readonly details: object } | null;
  readonly warnings: readonly string[];
  /** With `changed` or a dry run: the definitions before and after. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What a start of several jobs does with one of them. */
export interface StartedJob {
  readonly job: string;
  /** Its parents that the start runs: it runs when all of them have ended. Empty: it runs at once. */
  readonly after: readonly string[];
  /** Its parents that it does not wait for, because nothing in the start runs them. */
  readonly others: readonly string[];
  /**
   * Why it will be skipped: it follows and is paused, or another run of it is unfinished. Null with a run.
   */
  readonly skip: Reason | null;
  /** Its run, if it was started at once. */
  readonly run: Run | null;
}

export interface JobAnswer {
  readonly job: Job;
  readonly state: JobState;
  readonly outcome: 'created' | 'changed' | 'unchanged';
  readonly warnings: readonly string[];
}

export interface CommandAnswers {
  'put-job': JobAnswer;
  apply: readonly ApplyResult[];
  'delete-job': { readonly deleted: readonly string[]; readonly detached: readonly string[] };
  pause: { readonly job: Job; readonly state: JobState };
  resume: { readonly job: Job; readonly state: JobState };
  trigger: Run;
  start: readonly StartedJob[];
  rerun: Run;
  kill: Run;
  /** The runs that are ended. */
  'kill-pipeline': readonly Run[];
  'rerun-pipeline': readonly Run[];
  complete: Run;
  report: ReportAnswer;
  'mark-success': Run;
  backfill: BackfillAnswer;
  'pause-backfill': Backfill;
  'resume-backfill': Backfill;
  'cancel-backfill': Backfill;
  acknowledge: Alert;
  mute: { readonly job: Job; readonly state: JobState };
  unmute: { readonly job: Job; readonly state: JobState };
  'send-again': Notification;
  'skip-next': ExceptionAnswer;
  'move-due': ExceptionAnswer;
  'clear-exception': ExceptionAnswer;
  'put-calendar': {
    readonly calendar: StoredCalendar;
    readonly before: StoredCalendar | null;
    readonly outcome: 'created' | 'changed' | 'unchanged';
    readonly warnings: readonly string[];
    /** Jobs that use it. */
    readonly users: readonly string[];
  };
  'delete-calendar': StoredCalendar;
  'begin-maintenance': MaintenanceMode;
  'end-maintenance': MaintenanceMode;
  'create-token': Token;
  'revoke-token': Token;
  'note-use': null;
  /** Newest first. */
  'add-key': readonly SigningKey[];
  'end-sessions': SessionsEnd;
  note: null;
}

export type AnswerTo<C extends Command> = CommandAnswers[C['kind']];
