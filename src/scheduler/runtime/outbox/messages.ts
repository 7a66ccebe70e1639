/** Composes the message of a notification and hands it to the notifier. */

import { CarillonError } from '../../../errors.ts';
import type { Receivers, SchedulerHandle, Tries } from '../../handle.ts';
import type { Notification } from '../../model/alert.ts';
import { isRefusal, type Notifier } from '../../notifier.ts';
import type { Clock, LogChunk, Member } from '../../ports.ts';
import { messageOf, testMessage } from '../../read/message.ts';
import { runTimes } from '../../stats/run-times.ts';
import { within } from '../../waiting.ts';

const OUTPUT_LINES = 10;
/** A message does not wait longer for output. */
const OUTPUT_WITHIN_MS = 3_000;

export interface MessagesParts {
  /** Absent: there are no receivers. */
  readonly notifier?: Notifier | undefined;
  /** Text of the last lines; see `SchedulerParts`. */
  readonly lastLines?: LastLines | undefined;
  readonly clock: Clock;
  /** Its address is that of the web app. */
  readonly self: Pick<Member, 'url'>;
}

const noTries: Tries = { delivered: 0, failed: 0, refused: 0 };

export type LastLines = (chunks: AsyncIterable<LogChunk>, count: number) => Promise<readonly string[]>;

export class Messages implements Receivers {
  readonly #parts: MessagesParts;
  readonly #jobs: Pick<SchedulerHandle, 'reader' | 'logs'>;
  readonly #tries = new Map<string, Tries>();

  constructor(parts: MessagesParts, jobs: Pick<SchedulerHandle, 'reader' | 'logs'>) {
    this.#parts = parts;
    this.#jobs = jobs;
  }

  get names(): readonly string[] {
    return [...(this.#parts.notifier?.receivers ?? [])];
  }

  get tries(): ReadonlyMap<string, Tries> {
    return new Map([...this.names, ''].map((name) => [name, this.#tries.get(name) ?? noTries]));
  }

  get problem(): string | null {
    return this.#parts.notifier?.problem ?? null;
  }

  /** See `Notifier.send`. */
  readonly send = (notification: Notification): Promise<void> =>
    this.#counted(notification.receiver, this.#deliver(notification));

  async #deliver(notification: Notification): Promise<void> {
    const { receiver, alert, step, job } = notification;
    const notifier = this.#notifierOf(receiver);
    // Read when it is sent, because the end of the output may have come after the run's.
    const output = alert.run === null || step === 'resolved' ? [] : await this.#output(alert.run);
    const glance = job === null ? undefined : this.#jobs.reader().glance(job);
    const known = { usual: runTimes(glance?.stats ?? null), output, base: this.#parts.self.url };
    await notifier.send(receiver, messageOf(notification, known), glance);
  }

  async test(receiver: string): Promise<void> {
    const { clock, self } = this.#parts;
    const message = testMessage(receiver, clock.now(), self.url);
    await this.#counted(receiver, this.#notifierOf(receiver).send(receiver, message));
  }

  async #counted(receiver: string, delivery: Promise<void>): Promise<void> {
    // Jobs can name any receiver: those that do not exist are counted together.
    const name = this.names.includes(receiver) ? receiver : '';
    const count = (outcome: keyof Tries): void => {
      const tries = this.#tries.get(name) ?? noTries;
      this.#tries.set(name, { ...tries, [outcome]: tries[outcome] + 1 });
    };
    try {
      await delivery;
      count('delivered');
    } catch (error) {
      count(isRefusal(error) ? 'refused' : 'failed');
      throw error;
    }
  }

  async #output(run: string): Promise<readonly string[]> {
    const { clock, lastLines } = this.#parts;
    if (lastLines === undefined) return [];
    const lines = lastLines(this.#jobs.logs(run, { tail: OUTPUT_LINES }), OUTPUT_LINES);
    // The message is worth more than the output.
    return (await within(clock, OUTPUT_WITHIN_MS, lines).catch(() => null)) ?? [];
  }

  #notifierOf(receiver: string): Notifier {
    const { notifier } = this.#parts;
    if (notifier?.receivers.has(receiver)) return notifier;
    const allowed = this.names;
    throw new CarillonError(
      'NOTIFICATION_REFUSED',
      `There is no receiver named '${receiver}'. Receivers: ${allowed.length === 0 ? 'none' : allowed.join(', ')}.`,
      { field: 'receiver', value: receiver, allowed },
    );
  }
}
