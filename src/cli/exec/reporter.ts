/** Sends reports in their order, and keeps them in the spool until the server has them. Never fails. */

import type { Client } from '../client.ts';
import { ProblemError } from '../client-errors.ts';
import type { Kept, Report, Spool } from './spool.ts';

export interface ReporterParts {
  /** Null: its address is wrong. */
  readonly client: Client | null;
  readonly spool: Spool;
  readonly now: () => number;
  /** Tells the user of a problem. */
  readonly tell: (text: string) => void;
}

export interface Sent {
  readonly taken: number;
  readonly refused: number;
}

export class Reporter {
  readonly #parts: ReporterParts;
  /** Reports that could not be written to the spool. */
  readonly #unkept: Kept[] = [];
  #whyUnkept = '';
  #told = '';
  #sending: Promise<unknown> = Promise.resolve();

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  add(report: Report): void {
    try {
      this.#parts.spool.put(report);
    } catch (error) {
      this.#whyUnkept = (error as Error).message;
      this.#unkept.push({ report, path: null });
    }
  }

  /** Sends what there is, after what is being sent. Ends at the first that the server does not answer, or at `stop`. */
  send(stop: AbortSignal): Promise<Sent> {
    const sent = this.#sending.then(() => this.#sendAll(stop));
    this.#sending = sent;
    return sent;
  }

  /** Leaves what was not sent to other processes. */
  leave(): void {
    for (const { report } of this.#unkept) {
      const { step, job } = report;
      const why = `the server does not respond, and the report cannot be kept (${this.#whyUnkept})`;
      this.#parts.tell(`the ${step} of '${job}' was not reported: ${why}.`);
    }
    this.#parts.spool.release();
  }

  async #sendAll(stop: AbortSignal): Promise<Sent> {
    const { spool } = this.#parts;
    const sent = { taken: 0, refused: 0 };
    const queue = [...spool.claim(), ...this.#unkept.splice(0)];
    while (queue[0] !== undefined) {
      const fate = stop.aborted ? 'unanswered' : await this.#sendOne(queue[0].report, stop);
      // What follows waits too, so that the order is kept.
      if (fate === 'unanswered') break;
      sent[fate] += 1;
      spool.done(queue[0]);
      queue.shift();
    }
    this.#unkept.unshift(...queue.filter(({ path }) => path === null));
    return sent;
  }

  async #sendOne(report: Report, stop: AbortSignal): Promise<'taken' | 'refused' | 'unanswered'> {
    const { client, now, tell } = this.#parts;
    if (client === null) return 'unanswered';
    const { job, step, rid, at, durationMs, exitCode, output } = report;
    try {
      const ago = Math.max(0, Math.round(now() - at));
      const body = output === undefined ? undefined : Buffer.from(output, 'base64');
      await client.report(job, step, { rid, ago, duration: durationMs, exitCode }, body, stop);
      return 'taken';
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.status >= 500) return 'unanswered';
      // Once: it says the same of the start and of the end.
      const text = `the report about '${job}' was refused: ${error.message}`;
      if (text !== this.#told) tell(text);
      this.#told = text;
      return 'refused';
    }
  }
}
