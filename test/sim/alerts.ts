/** Watches alerts and what is sent about them, from the writes and the messages alone. */

import type { Alert, Notification } from '../../src/scheduler/model/alert.ts';
import { alertKey } from '../../src/scheduler/records/table.ts';
import type { JobLife } from './judge.ts';

export class AlertJudge {
  /** By job and condition. */
  readonly open = new Map<string, Alert>();
  /** Ids of all alerts that ever were. */
  readonly #opened = new Set<string>();
  /** By key: what is owed, and what was. */
  readonly owed = new Map<string, Notification>();
  readonly #made = new Map<string, Notification>();
  /** Keys of messages that were accepted. */
  readonly accepted = new Set<string>();
  readonly #wrong: (what: string) => void;

  constructor(wrong: (what: string) => void) {
    this.#wrong = wrong;
  }

  write(alert: Alert): void {
    const key = alertKey(alert);
    const before = this.open.get(key);
    if (before !== undefined && before.id !== alert.id)
      this.#wrong(`${alert.id} opens, and ${before.id} is still open`);
    if (before === undefined && this.#opened.has(alert.id)) this.#wrong(`${alert.id} opens again`);
    if (before === undefined && alert.endedAt !== null) this.#wrong(`${alert.id} ends and was not open`);
    this.#opened.add(alert.id);
    if (alert.endedAt === null) this.open.set(key, alert);
    else this.open.delete(key);
  }

  owe(notification: Notification): void {
    const { id, alert, step } = notification;
    const before = this.#made.get(id);
    if (before !== undefined && (before.alert.id !== alert.id || before.step !== step))
      this.#wrong(`the key ${id} is used for two messages`);
    // How often a message is repeated depends on the clocks of its leaders.
    const others = before === undefined && step !== 'repeated' ? this.#made.values() : [];
    for (const other of others)
      if (other.alert.id === alert.id && other.step === step && other.receiver === notification.receiver)
        this.#wrong(`${other.id} and ${id} tell ${notification.receiver} the same`);
    this.#made.set(id, notification);
    this.owed.set(id, notification);
  }

  end({ id, receiver, state, order }: Notification): void {
    if (!this.owed.delete(id)) this.#wrong(`${id} ends and was not owed`);
    if (state !== 'delivered') return;
    if (!this.accepted.has(id)) this.#wrong(`${id} is noted as delivered, and ${receiver} never accepted it`);
    for (const other of this.owed.values())
      if (other.receiver === receiver && other.state === 'waiting' && other.order < order)
        this.#wrong(`${id} was delivered before ${other.id}`);
  }

  /** A receiver accepts a message. */
  accept(key: string): void {
    if (!this.#made.has(key)) this.#wrong(`${key} is sent and is not durable`);
    this.accepted.add(key);
  }

  /** In the quiet: alerts are those of the jobs, and everything was delivered. */
  faults(jobs: ReadonlyMap<string, JobLife>): string[] {
    const found = [...this.owed.values()].map(({ id, state }) => `the message ${id} is still ${state}`);
    for (const [name, { job, state }] of jobs) {
      const after = job.definition.alerts?.after ?? 1;
      const isOpen = this.open.has(alertKey({ job: name, condition: 'failed' }));
      if ((state?.consecutiveFailures ?? 0) >= after && !isOpen)
        found.push(`${name} failed ${state?.consecutiveFailures} times in a row, and no alert is open`);
    }
    for (const { job, id } of this.open.values())
      if (job !== null && !jobs.has(job)) found.push(`${id} is open without its job`);
    return found;
  }
}
