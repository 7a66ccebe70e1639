/**
 * The parts of a decision. `Draft` collects them: writes in atomic groups, effects that may start only when
 * every group is durable, and notices for observers. Values are copied when they are written, so that later
 * decisions cannot change a commit in progress.
 */

import type { Notice } from '../handle.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { Alert, Condition, Notification } from '../model/alert.ts';
import type { Backfill, Backfilled, BackfillPlan } from '../model/backfill.ts';
import type { CalendarRevision, MaintenanceMode, StoredCalendar } from '../model/calendar.ts';
import type { Job, JobState, JobStats, LedgerLine, Revision, Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import type { AuditLine, SessionsEnd, SigningKey, Token } from '../model/token.ts';
import type { Write, WriteGroup } from '../records/table.ts';

/**
 * An action to take once the writes are durable. If the leader dies
 * - before: the writes are not durable either, or `reconcile` finds a launching run and requests it again;
 * - during: the launch name shows whether the engine has it, and `reconcile` adopts it or requests it again;
 * - after: `reconcile` adopts it.
 */
export type Effect =
  | {
      readonly kind: 'launch';
      readonly spec: LaunchSpec;
      /** The node whose own engine it is. Null: all nodes reach the engine. */
      readonly host: string | null;
      readonly priority: number;
      /** When the attempt begins to exist: it may have been decided a moment before, and must not start before. */
      readonly notBefore: number;
      /** Null: as soon as it may start. */
      readonly delayMs: number | null;
    }
  | ({ readonly kind: 'kill'; readonly graceMs: number } & Launched)
  | ({ readonly kind: 'take-back' } & Launched)
  | ({ readonly kind: 'remove' } & Launched)
  /** If the leader dies before its receiver's answer is noted, the next one sends it again under the same key. */
  | { readonly kind: 'notify'; readonly notification: Notification };

/** What was done to a job or a run, and by whom. For the log of the leader. */
export type Act =
  | {
      readonly kind: 'job.created' | 'job.changed' | 'job.deleted' | 'job.paused' | 'job.resumed';
      readonly job: string;
      readonly revision: number;
      readonly by: string;
    }
  | {
      readonly kind: 'job.disabled';
      readonly job: string;
      readonly revision: number;
      readonly reason: Reason;
    }
  | {
      readonly kind: 'run.triggered' | 'run.kill-requested' | 'run.marked-succeeded';
      readonly job: string;
      readonly run: string;
      readonly by: string;
    }
  | {
      readonly kind: 'run.reported';
      readonly job: string;
      readonly run: string;
      readonly by: string;
      readonly succeeded: boolean;
    }
  | {
      readonly kind: 'alert.opened' | 'alert.resolved';
      readonly job?: string;
      readonly subject?: string;
      readonly condition: Condition;
      readonly run?: string;
      readonly reason?: Reason;
    }
  | {
      readonly kind: 'alert.acknowledged';
      readonly job?: string;
      readonly subject?: string;
      readonly condition: Condition;
      readonly by: string;
    }
  | { readonly kind: 'job.muted' | 'job.unmuted'; readonly job: string; readonly by: string }
  | {
      readonly kind: 'launch.unwanted';
      readonly engine: string;
      readonly host?: string;
      readonly launch: string;
    };

/** One launch and its location: an engine that all nodes reach, or the host's own. */
export interface Launched {
  readonly engine: string;
  readonly host: string | null;
  readonly launchName: string;
}

export interface Decision {
  /** Durable in this order, each as a whole, before any effect starts. */
  readonly groups: readonly WriteGroup[];
  readonly effects: readonly Effect[];
  readonly notices: readonly Notice[];
  readonly acts: readonly Act[];
  readonly audited: readonly AuditLine[];
  /** There is more to decide at this time: call again with the same event. */
  readonly more: boolean;
}

export class Draft {
  /** Decisions ahead are made as of the instant that comes. */
  readonly now: number;
  readonly effects: Effect[] = [];
  readonly notices: Notice[] = [];
  readonly audited: AuditLine[] = [];
  readonly #acts: Act[] = [];
  readonly #decidedAt: number;
  readonly #groups: Write[][] = [];
  #group: Write[] = [];
  /** The position of each job's state and each run in the group. */
  readonly #places = new Map<string, number>();

  constructor(now: number, decidedAt = now) {
    this.now = now;
    this.#decidedAt = decidedAt;
  }

  /** Ends the atomic group: what follows may become durable later. */
  cut(): void {
    if (this.#group.length > 0) this.#groups.push(this.#group);
    this.#group = [];
    this.#places.clear();
  }

  job(job: Job): void {
    this.#group.push({ kind: 'job', value: job });
  }

  jobRemoved(revision: Revision): void {
    this.#group.push({ kind: 'job-removed', value: revision });
    // Later writes of its state come after the removal.
    this.#places.delete(`state/${revision.job}`);
  }

  /** One write per job and group: a later one replaces the earlier one. */
  state(state: JobState): void {
    this.#put(`state/${state.name}`, { kind: 'state', value: { ...state } });
  }

  stats(stats: JobStats): void {
    this.#group.push({ kind: 'stats', value: stats });
  }

  run(run: Run): void {
    run.decidedAt = this.#decidedAt;
    const copy = copyRun(run);
    this.#put(`run/${run.id}`, { kind: copy.endedAt === null ? 'run' : 'run-ended', value: copy });
    this.notices.push({ kind: 'run', run: copy });
  }

  #put(key: string, write: Write): void {
    const at = this.#places.get(key);
    if (at === undefined) {
      this.#places.set(key, this.#group.length);
      this.#group.push(write);
    } else this.#group[at] = write;
  }

  alert(alert: Alert): void {
    this.#group.push({ kind: alert.endedAt === null ? 'alert' : 'alert-ended', value: alert });
  }

  notification(notification: Notification): void {
    const kind = notification.endedAt === null ? 'notification' : 'notification-ended';
    this.#group.push({ kind, value: notification });
    if (notification.state === 'waiting') this.effect({ kind: 'notify', notification });
  }

  ledger(line: LedgerLine): void {
    this.#group.push({ kind: 'ledger', value: line });
  }

  token(token: Token): void {
    this.#group.push({ kind: 'token', value: token });
  }

  tokenRemoved(id: string): void {
    this.#group.push({ kind: 'token-removed', value: { id } });
  }

  signingKey(key: SigningKey): void {
    this.#group.push({ kind: 'signing-key', value: key });
  }

  signingKeyRemoved(id: string): void {
    this.#group.push({ kind: 'signing-key-removed', value: { id } });
  }

  sessionsEnd(end: SessionsEnd): void {
    this.#group.push({ kind: 'sessions-end', value: end });
  }

  sessionsEndRemoved(id: string): void {
    this.#group.push({ kind: 'sessions-end-removed', value: { id } });
  }

  calendar(calendar: StoredCalendar): void {
    this.#group.push({ kind: 'calendar', value: calendar });
    this.calendarRevision(revisionOf(calendar));
  }

  calendarRemoved(revision: CalendarRevision): void {
    this.#group.push({ kind: 'calendar-removed', value: { name: revision.calendar } });
    this.calendarRevision(revision);
  }

  calendarRevision(revision: CalendarRevision): void {
    this.#group.push({ kind: 'calendar-revision', value: revision });
  }

  maintenance(mode: MaintenanceMode): void {
    this.#group.push({ kind: 'maintenance', value: mode });
  }

  maintenanceEnded(id: string): void {
    this.#group.push({ kind: 'maintenance-ended', value: { id } });
  }

  audit(line: AuditLine): void {
    this.audited.push(line);
    this.#group.push({ kind: 'audit', value: line });
  }

  /** One write per backfill and group. */
  backfill(backfill: Backfill): void {
    this.#put(`backfill/${backfill.id}`, { kind: 'backfill', value: backfill });
  }

  backfillPlan(plan: BackfillPlan): void {
    this.#group.push({ kind: 'backfill-plan', value: plan });
  }

  backfillEnded(backfill: Backfill): void {
    this.#put(`backfill/${backfill.id}`, { kind: 'backfill-ended', value: backfill });
  }

  backfilled(backfilled: Backfilled): void {
    this.#group.push({ kind: 'backfilled', value: backfilled });
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  notice(notice: Notice): void {
    this.notices.push(notice);
  }

  act(act: Act): void {
    this.#acts.push(act);
  }

  done(more = false): Decision {
    this.cut();
    const { effects, notices, audited } = this;
    return { groups: this.#groups, effects, notices, acts: this.#acts, audited, more };
  }
}

const revisionOf = ({
  name,
  revision,
  updatedAt,
  updatedBy,
  document,
}: StoredCalendar): CalendarRevision => ({
  calendar: name,
  revision,
  at: updatedAt,
  by: updatedBy,
  document,
});

/** A run that shares no mutable part. */
export function copyRun(run: Run): Run {
  return { ...run, attempts: run.attempts.map((attempt) => ({ ...attempt })) };
}
