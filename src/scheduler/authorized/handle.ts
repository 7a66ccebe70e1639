/**
 * The scheduler's handle for one asker: what he may not see does not exist, and what he asks for is asked in his name.
 * For somebody who may see everything, nothing is looked at twice.
 */

import { CarillonError } from '../../errors.ts';
import { forbidden } from '../access/forbidden.ts';
import type { Asker } from '../access/principal.ts';
import type { AnswerTo, Command } from '../command.ts';
import type { CalendarView, JobView, Notice, RunLogChunk, RunLogQuery, SchedulerHandle } from '../handle.ts';
import type { Alert } from '../model/alert.ts';
import type { Run } from '../model/model.ts';
import { jobNotFound } from '../state/state.ts';
import { answerFor } from './answers.ts';
import { archiveFor } from './archive.ts';
import { readerFor } from './reader.ts';
import { Redaction } from './redaction.ts';
import { Sight } from './sight.ts';

export function authorized(inner: SchedulerHandle, asker: Asker): SchedulerHandle {
  const reader = () => inner.reader();
  const sight = new Sight(asker.principal, reader);
  return sight.isWhole ? named(inner, asker) : new AuthorizedHandle(inner, asker, sight);
}

/** Notices as the asker may see them, of jobs as they are at that time. Null: not at all. */
export function noticesFor(inner: SchedulerHandle, asker: Asker): (notice: Notice) => Notice | null {
  const reader = () => inner.reader();
  const sight = new Sight(asker.principal, reader);
  if (sight.isWhole) return (notice) => notice;
  const redaction = new Redaction(sight, reader);
  return (notice) => redaction.notice(notice);
}

/** The handle itself, except that commands name who asks. */
function named(inner: SchedulerHandle, asker: Asker): SchedulerHandle {
  return new Proxy(inner, {
    get: (target, key) => {
      if (key === 'submit') return (command: Command) => target.submit(command, asker);
      if (key === 'report')
        return (report: Parameters<SchedulerHandle['report']>[0]) => target.report(report, asker);
      const value = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Hides what is not about jobs, too, from those who see some of them only. */
class AuthorizedHandle implements SchedulerHandle {
  readonly #inner: SchedulerHandle;
  readonly #asker: Asker;
  readonly #sight: Sight;
  readonly #redaction: Redaction;

  constructor(inner: SchedulerHandle, asker: Asker, sight: Sight) {
    this.#inner = inner;
    this.#asker = asker;
    this.#sight = sight;
    this.#redaction = new Redaction(sight, () => inner.reader());
  }

  get archive() {
    return archiveFor(this.#inner.archive, this.#sight, this.#redaction);
  }

  async submit<C extends Command>(command: C): Promise<AnswerTo<C>> {
    const answer = await this.#inner.submit(command, this.#asker);
    return answerFor({ sight: this.#sight, redaction: this.#redaction }, command, answer);
  }

  async report(report: Parameters<SchedulerHandle['report']>[0]) {
    const answer = await this.#inner.report(report, this.#asker);
    return { ...answer, run: answer.run && this.#redaction.run(answer.run) };
  }

  job(name: string): JobView {
    this.#refuse(name);
    const view = this.#redaction.glance(this.#inner.job(name));
    if (this.#sight.isOfAll) return view;
    const { parentsOf, childrenOf } = this.reader();
    return { ...view, parents: parentsOf(name), children: childrenOf(name) };
  }

  jobCount(): number {
    let count = 0;
    for (const _ of this.jobNames(null)) count++;
    return count;
  }

  reader() {
    return readerFor(this.#inner.reader(), this.#sight, this.#redaction);
  }

  *jobNames(after: string | null): Iterable<string> {
    for (const name of this.#inner.jobNames(after)) if (this.#sight.seesName(name)) yield name;
  }

  liveRun(id: string): Run | undefined {
    const run = this.#inner.liveRun(id);
    return run === undefined || !this.#redaction.seesRun(run) ? undefined : this.#redaction.run(run);
  }

  *liveRuns(): Iterable<Run> {
    for (const run of this.#inner.liveRuns())
      if (this.#redaction.seesRun(run)) yield this.#redaction.run(run);
  }

  async run(id: string): Promise<Run> {
    const run = await this.#inner.run(id);
    if (this.#redaction.seesRun(run)) return this.#redaction.run(run);
    const message = `Run '${id}' does not exist or is no longer kept`;
    throw new CarillonError('RUN_NOT_FOUND', message, { field: 'id', value: id });
  }

  async *logs(runId: string, query: RunLogQuery): AsyncGenerator<RunLogChunk> {
    const { job, createdAt } = await this.run(runId);
    if (!this.#sight.mayOf('logs', job, createdAt)) throw forbidden('logs', [job]);
    yield* this.#inner.logs(runId, query);
  }

  engines = () => this.#inner.engines();
  pools = () => this.#inner.pools();
  commits = () => this.#inner.commits();
  leadership = () => this.#inner.leadership();
  cluster = () => this.#inner.cluster();
  caughtUp = (withinMs: number) => this.#inner.caughtUp(withinMs);
  receivers = () => this.#inner.receivers();
  now = () => this.#inner.now();

  tokens = () => (this.#sight.mayAll('admin') ? this.#inner.tokens() : []);
  token = (id: string) => (this.#sight.mayAll('admin') ? this.#inner.token(id) : undefined);
  /** Never for a request. */
  signingKeys = () => [];
  sessionsEndedAt = (id: string) => this.#inner.sessionsEndedAt(id);

  local(_engine: string): never {
    throw forbidden('admin');
  }

  /** Calendars are the installation's: whoever may read something reads them, but not the names of jobs. */
  calendars = () => {
    const inner = this.#inner.calendars();
    return {
      ...inner,
      all: () => inner.all().map((view) => this.#calendar(view)),
      one: (name: string) => this.#calendar(inner.one(name)),
    };
  };

  #calendar(view: CalendarView): CalendarView {
    return { ...view, users: view.users.filter((name) => this.#sight.seesName(name)) };
  }

  *alerts() {
    for (const alert of this.#inner.alerts()) if (this.#sees(alert)) yield this.#redaction.alert(alert);
  }

  notifications() {
    const owed = this.#inner.notifications().filter(({ alert }) => this.#sees(alert));
    return owed.map((each) => this.#redaction.notification(each));
  }

  backup(): never {
    throw forbidden('admin');
  }

  subscribe(listener: Parameters<SchedulerHandle['subscribe']>[0]) {
    return this.#inner.subscribe((notice) => {
      const seen = this.#redaction.notice(notice);
      if (seen !== null) listener(seen);
    });
  }

  #sees({ job, since }: Alert): boolean {
    return job === null ? this.#sight.isOfAll : this.#sight.seesName(job, since);
  }

  /** JOB_NOT_FOUND, as if it did not exist. */
  #refuse(name: string): void {
    if (!this.#sight.seesName(name)) throw jobNotFound(name);
  }
}
