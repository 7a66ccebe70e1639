/** Copies of what somebody may see, without what is hidden from him. What has nothing hidden is not copied. */

import { reach } from '../../dag/reach.ts';
import type { JobGlance, JobReader, Notice } from '../handle.ts';
import type { JobDefinition } from '../job/definition.ts';
import { type Hidden, withoutHidden, withoutParents } from '../job/hidden.ts';
import { secretOf } from '../job/params.ts';
import type { Alert, Notification } from '../model/alert.ts';
import { jobInKey } from '../model/ids.ts';
import type { Job, Revision, Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import type { Sight } from './sight.ts';

/** By what is hidden. Most jobs are read much more often than they change. */
const copies = [new WeakMap<Job, Job>(), new WeakMap<Job, Job>(), new WeakMap<Job, Job>()] as const;

export class Redaction {
  readonly #sight: Sight;
  readonly #reader: () => JobReader;

  constructor(sight: Sight, reader: () => JobReader) {
    this.#sight = sight;
    this.#reader = reader;
  }

  job(job: Job): Job {
    const hidden = this.#hiddenOf(job);
    const copy = hidden.env || hidden.secrets ? copyOf(job, hidden) : job;
    const definition = this.#withoutParents(copy.definition, job);
    return definition === copy.definition ? copy : { ...copy, definition };
  }

  glance<G extends JobGlance>(glance: G): G {
    const job = this.job(glance.job);
    if (job === glance.job && (glance.runs.length === 0 || this.#sight.isWhole)) return glance;
    return {
      ...glance,
      job,
      runs: glance.runs.filter((run) => this.seesRun(run)).map((run) => this.run(run)),
    };
  }

  revision(revision: Revision): Revision {
    const { job: name, definition, at } = revision;
    if (definition === null) return revision;
    const now = this.#sight.jobOf(name, at);
    const hidden = {
      env: !this.#sight.mayOf('env', name, at),
      secrets: !this.#sight.mayOf('secrets', name, at),
    };
    const shown = withoutHidden(definition, hidden);
    return { ...revision, definition: this.#withoutParents(shown, now) };
  }

  /** A job that was removed may have had a run of that name. */
  seesRun({ job, createdAt }: Run): boolean {
    return this.#sight.seesName(job, createdAt);
  }

  run(run: Run): Run {
    const { trigger, kill, root } = run;
    return {
      ...run,
      trigger:
        trigger.kind === 'parents'
          ? { ...trigger, runs: trigger.runs.filter((id) => this.#sight.seesName(jobInKey(id))) }
          : trigger,
      root: root !== null && this.#sight.seesName(root) ? root : null,
      params: this.#params(run),
      reason: this.reason(run.reason, run.job),
      kill: kill && { ...kill, reason: this.reason(kill.reason, run.job) },
      attempts: run.attempts.map((attempt) => ({
        ...attempt,
        reason: this.reason(attempt.reason, run.job),
      })),
    };
  }

  /** Where the secrets are that a run was given is hidden as it is in the definition. */
  #params({ job, createdAt, params }: Run): Run['params'] {
    const given = Object.entries(params);
    if (given.length === 0 || this.#sight.mayOf('secrets', job, createdAt)) return params;
    const declared = this.#sight.jobOf(job, createdAt)?.definition.params ?? {};
    // The declaration may have been another one when the run was made.
    const isPlain = (name: string): boolean =>
      Object.hasOwn(declared, name) && declared[name]?.type !== 'secret';
    return Object.fromEntries(
      given.map(([name, text]) => [name, secretOf(text) === null || isPlain(name) ? text : '***']),
    );
  }

  /** Of something about the job. */
  reason<R extends Reason | null>(reason: R, job: string | null): R {
    return reason === null ? reason : (this.#reason(reason, this.#secretsOf(job)) as R);
  }

  alert(alert: Alert): Alert {
    const { job } = alert;
    const downstream =
      this.#sight.isOfAll || job === null ? alert.downstream : count(reach(job, this.#childrenOf));
    return { ...alert, reason: this.reason(alert.reason, job), downstream };
  }

  notification<N extends Notification>(notification: N): N {
    return { ...notification, alert: this.alert(notification.alert) };
  }

  /** Null: it is about a job that is hidden. */
  notice(notice: Notice): Notice | null {
    if (notice.kind === 'leader') return notice;
    if (notice.kind === 'job') return this.#sight.seesName(notice.name) ? notice : null;
    return this.seesRun(notice.run) ? { ...notice, run: this.run(notice.run) } : null;
  }

  #hiddenOf(job: Job): Hidden {
    return { env: !this.#sight.may('env', job), secrets: !this.#sight.may('secrets', job) };
  }

  /** Whoever changes the job must know all of its parents. */
  #withoutParents(definition: JobDefinition, job: Job | undefined): JobDefinition {
    if (this.#sight.isOfAll || (job !== undefined && this.#sight.may('edit', job))) return definition;
    return withoutParents(definition, (parent) => this.#sight.seesName(parent));
  }

  readonly #childrenOf = (name: string): readonly string[] => {
    const reader = this.#reader();
    return reader.childrenOf(name).filter((child) => this.#sight.seesName(child));
  };

  /** Texts of engines name what they could not read. */
  #secretsOf(name: string | null): readonly string[] {
    const job = name === null ? undefined : this.#sight.jobOf(name);
    if (job === undefined || this.#sight.may('secrets', job)) return [];
    const { secrets = {}, registry } = job.definition.run ?? {};
    const sources = [...Object.entries(secrets), ['', registry?.secret ?? {}] as const];
    return sources
      .flatMap(([key, source]) => [key, ...textsIn(source)])
      .filter((text) => text !== '')
      .sort((a, b) => b.length - a.length);
  }

  #reason(reason: Reason, secrets: readonly string[]): Reason {
    const seen = (job: string): boolean => this.#sight.seesName(job);
    if (reason.code === 'parents') {
      const ends = reason.ends.filter(({ job }) => seen(job));
      return { ...reason, ends, more: reason.more + reason.ends.length - ends.length };
    }
    if (reason.code === 'round-given-up') {
      const jobs = reason.jobs.filter(seen);
      return { ...reason, jobs, more: reason.more + reason.jobs.length - jobs.length };
    }
    if ('jobs' in reason) return { ...reason, jobs: reason.jobs.filter(seen) };
    if ('because' in reason && reason.because !== null)
      return { ...reason, because: this.#reason(reason.because, secrets) } as Reason;
    // Release 0.1.0 named other jobs in its texts.
    if (reason.code === 'text' && !this.#sight.isOfAll) return { code: 'text', text: '***' };
    if ('text' in reason && secrets.length > 0) {
      let { text } = reason;
      for (const secret of secrets) text = text.replaceAll(secret, '***');
      return { ...reason, text };
    }
    return reason;
  }
}

function copyOf(job: Job, hidden: Hidden): Job {
  const known = copies[hidden.env ? (hidden.secrets ? 2 : 1) : 0];
  const kept = known.get(job);
  if (kept !== undefined) return kept;
  const definition = withoutHidden(job.definition, hidden);
  const copy = definition === job.definition ? job : { ...job, definition };
  known.set(job, copy);
  return copy;
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function count(items: Iterable<unknown>): number {
  let found = 0;
  for (const _ of items) found++;
  return found;
}
