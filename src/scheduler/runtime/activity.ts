/**
 * The leader's log of what happens to jobs: one line for each run that ended, each change and each refused
 * request, written once it is durable. Ten thousand runs may end at once, so lines wait here and are written in
 * turns with other work.
 */

import { CarillonError, catalogue } from '../../errors.ts';
import type { AnswerTo, Command, CommandAnswers } from '../command.ts';
import type { Notice } from '../handle.ts';
import { shownInMessage } from '../job/masked.ts';
import type { Run } from '../model/model.ts';
import { type Reason, textOf } from '../model/reason.ts';
import { readyAt } from '../model/run-state.ts';
import type { Clock, Log } from '../ports.ts';
import type { Act } from '../state/decision.ts';

/** Long enough that taking turns costs little, short enough that no start is late. */
const SLICE_MS = 2;
/** More than end at once. Further lines are dropped and counted. */
const MAX_WAITING = 50_000;

/** A refused name may be of any length. */
const MAX_NAME = 200;

/** Fields of the lines, in the order of the documentation. */
export const activityFields = {
  job: 'Name of the job.',
  run: 'Id of the run.',
  revision: 'Revision of the job.',
  by: 'Who did it: the name of the token, the person or the system user.',
  state: 'End state of the run.',
  trigger: 'What made the run due: `schedule`, `parents`, `manual` or `rerun`.',
  due: 'Due time of the run.',
  startedAt: 'Start of the newest attempt.',
  endedAt: 'End of the run.',
  durationMs: 'Duration of the newest attempt, in milliseconds.',
  latenessMs: 'From when the run could start to its first start, in milliseconds.',
  attempts: 'Number of attempts.',
  engine: 'Engine of the newest attempt, or of the launch.',
  host: 'Its node or host, if its engine is not reached by all nodes.',
  launch: 'Name of the launch on its engine.',
  exitCode: 'Exit code of the newest attempt.',
  reason: 'Why the run ended this way, or why the job was disabled.',
  succeeded: 'The reported result.',
  condition: 'Kind of the alert, such as `failed` or `late`.',
  subject: 'Engine or certificate, if the alert is not about a job.',
  request: 'Kind of the refused request.',
  code: 'Code of the error.',
  message: 'Text of the error.',
  lines: 'Number of dropped lines.',
} as const;

type Fields = { readonly [Name in keyof typeof activityFields]?: string | number | boolean | undefined };

const ofJob = ['job', 'revision', 'by'] as const;
const ofRun = ['job', 'run', 'by'] as const;

/** Events of the lines, with their fields. A field without a value is left out. */
export const activityEvents = {
  'run.ended': {
    meaning: 'A run ended. Level `warn` if it failed, timed out, was lost or was missed.',
    fields: [
      ...(['job', 'run', 'state', 'trigger', 'due', 'startedAt', 'endedAt', 'durationMs'] as const),
      ...(['latenessMs', 'attempts', 'engine', 'host', 'exitCode', 'reason'] as const),
    ],
  },
  'run.triggered': { meaning: 'A user started a run, or a rerun.', fields: ofRun },
  'run.kill-requested': { meaning: 'A user asked for the end of a run.', fields: ofRun },
  'run.reported': {
    meaning: 'The result of a run with `completion: callback` was reported.',
    fields: [...ofRun, 'succeeded'],
  },
  'run.marked-succeeded': { meaning: 'A user marked a job as succeeded.', fields: ofRun },
  'job.created': { meaning: 'A job was created.', fields: ofJob },
  'job.changed': { meaning: 'A job was changed.', fields: ofJob },
  'job.deleted': { meaning: 'A job was deleted.', fields: ofJob },
  'job.paused': { meaning: 'A job was paused.', fields: ofJob },
  'job.resumed': { meaning: 'A job was resumed or enabled.', fields: ofJob },
  'job.disabled': {
    meaning: 'A job failed as often as `policy.disableAfterFailures` says. Level `warn`.',
    fields: ['job', 'revision', 'reason'],
  },
  'alert.opened': {
    meaning: 'A condition that needs attention began. Level `warn`.',
    fields: ['job', 'subject', 'condition', 'run', 'reason'],
  },
  'alert.resolved': { meaning: 'The condition no longer holds.', fields: ['job', 'subject', 'condition'] },
  'alert.acknowledged': {
    meaning: 'A user acknowledged an alert.',
    fields: ['job', 'subject', 'condition', 'by'],
  },
  'job.muted': { meaning: 'A user muted the alerts of a job for a time.', fields: ['job', 'by'] },
  'job.unmuted': { meaning: 'A user ended the mute of a job.', fields: ['job', 'by'] },
  'launch.unwanted': {
    meaning:
      'Something runs that belongs to no unfinished run, for example on a host that was given up and is back: it is ended. Level `warn`.',
    fields: ['engine', 'host', 'launch'],
  },
  'request.refused': {
    meaning: 'A request to change something was refused, and nothing was changed.',
    fields: ['request', 'job', 'run', 'by', 'code', 'message'],
  },
  'activity.dropped': {
    meaning: 'More lines were to be written than the log takes. Level `warn`.',
    fields: ['lines'],
  },
} as const satisfies Record<string, { meaning: string; fields: readonly (keyof Fields)[] }>;

const warned: ReadonlySet<ActivityEvent> = new Set(['job.disabled', 'launch.unwanted', 'alert.opened']);

export type ActivityEvent = keyof typeof activityEvents;

interface Line {
  readonly level: 'info' | 'warn';
  readonly event: ActivityEvent;
  /** Made when the line is written. */
  readonly fields: () => Fields;
}

type Refusal = Pick<Fields, 'job' | 'run'> & { readonly code: string; readonly message: string };

/** The request is wrong. Other errors are of this node or of the moment, and say nothing about it. */
const isRefusal = (error: unknown): error is CarillonError =>
  error instanceof CarillonError && catalogue[error.code].status < 500;

export class Activity {
  readonly #log: Log;
  readonly #clock: Clock;
  #waiting: Line[] = [];
  #dropped = 0;
  #cancel: (() => void) | null = null;

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** What a decision did, once it is durable. */
  decided(notices: readonly Notice[], acts: readonly Act[]): void {
    const isAlert = ({ kind }: Act): boolean => kind === 'alert.opened' || kind === 'alert.resolved';
    for (const act of acts) if (!isAlert(act)) this.#did(act);
    for (const notice of notices)
      if (notice.kind === 'run' && notice.run.endedAt !== null) this.#add(ended(notice.run));
    for (const act of acts) if (isAlert(act)) this.#did(act);
  }

  #did({ kind: event, ...fields }: Act): void {
    this.#add({ level: warned.has(event) ? 'warn' : 'info', event, fields: () => withText(fields) });
  }

  /** A command was submitted: logs what will be refused of it. */
  submitted<C extends Command>(command: C, answer: Promise<AnswerTo<C>>): void {
    if ('dryRun' in command && command.dryRun) return;
    const done = (results: CommandAnswers[Command['kind']]): void => {
      if (command.kind !== 'apply') return;
      for (const { name, error } of results as CommandAnswers['apply'])
        if (error !== null) this.#refused(command, { job: name, ...error });
    };
    answer.then(done, (error: unknown) => {
      if (!isRefusal(error)) return;
      this.#refused(command, { ...about(command), code: error.code, message: error.message });
    });
  }

  #refused({ kind, by }: Command, { job, run, code, message }: Refusal): void {
    const fields = (): Fields => ({ request: kind, job, run, by, code, message: shownInMessage(message) });
    this.#add({ level: 'info', event: 'request.refused', fields });
  }

  /** Writes what waits. */
  stop(): void {
    this.#cancel?.();
    this.#write(Number.POSITIVE_INFINITY);
  }

  #add(line: Line): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#cancel ??= this.#clock.after(0, () => this.#slice());
  }

  #slice(): void {
    this.#cancel = null;
    this.#write(this.#clock.monotonicMs() + SLICE_MS);
    if (this.#waiting.length > 0) this.#cancel = this.#clock.after(0, () => this.#slice());
  }

  #write(untilMs: number): void {
    let written = 0;
    for (const { level, event, fields } of this.#waiting) {
      this.#log[level](fields(), event);
      written += 1;
      if (this.#clock.monotonicMs() >= untilMs) break;
    }
    this.#waiting = this.#waiting.slice(written);
    if (this.#waiting.length > 0 || this.#dropped === 0) return;
    this.#log.warn({ lines: this.#dropped } satisfies Fields, 'activity.dropped' satisfies ActivityEvent);
    this.#dropped = 0;
  }
}

const instant = (ms: number | null | undefined): string | undefined =>
  ms == null ? undefined : new Date(ms).toISOString();

function withText(act: Omit<Act, 'kind'> & { readonly reason?: Reason }): Fields {
  const { reason, ...fields } = act;
  return reason === undefined ? fields : { ...fields, reason: textOf(reason) };
}

function ended(run: Run): Line {
  const bad = run.state !== 'succeeded' && run.state !== 'skipped' && run.state !== 'killed';
  return { level: bad ? 'warn' : 'info', event: 'run.ended', fields: () => endFields(run) };
}

function endFields(run: Run): Fields {
  const { job, id, state, trigger, due, endedAt, reason, attempts } = run;
  const attempt = attempts.at(-1);
  const startedAt = attempt?.startedAt ?? null;
  const first = attempts.find((each) => each.startedAt !== null)?.startedAt ?? null;
  return {
    job,
    run: id,
    state,
    trigger: trigger.kind,
    due: instant(due),
    startedAt: instant(startedAt),
    endedAt: instant(endedAt),
    durationMs: startedAt === null ? undefined : (attempt?.endedAt ?? endedAt ?? startedAt) - startedAt,
    latenessMs: first === null ? undefined : Math.max(0, first - readyAt(run)),
    attempts: attempts.length,
    engine: attempt?.engine,
    host: attempt?.host ?? undefined,
    exitCode: attempt?.exitCode ?? undefined,
    reason: reason === null ? undefined : textOf(reason),
  };
}

/** What a request was about, as far as it has a name. */
function about(command: Command): Fields {
  if ('name' in command) return { job: command.name };
  if ('runId' in command) return { run: command.runId };
  if ('run' in command) return { job: command.run.job, run: command.run.id };
  if (!('definition' in command)) return {};
  const { name } = (command.definition ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' ? { job: name.slice(0, MAX_NAME) } : {};
}
