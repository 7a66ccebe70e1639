/**
 * Exports spans of runs that ended while this node led, in batches. While the collector is away, what waits is bounded and
 * tried again with growing delays. The scheduler never waits for any of this.
 */

import type { Notice, TraceFigures } from '../scheduler/handle.ts';
import type { Run } from '../scheduler/model/model.ts';
import type { Clock, Log, Service } from '../scheduler/ports.ts';
import { sleep, within } from '../scheduler/waiting.ts';
import type { Answer } from './collector.ts';
import { type Bounds, Queue } from './queue.ts';
import { attributesOf, spanCount, spansOf } from './spans.ts';

/** From the end of a run to its export: what a killed leader may lose. */
const GATHER_MS = 1_000;
const BATCH: Bounds = { runs: 256, bytes: 1024 * 1024 };
/** Of writing a request: short enough that no start is late. */
const SLICE_MS = 2;
/** Hours of a busy installation. */
export const WAITING: Bounds = { runs: 20_000, bytes: 32 * 1024 * 1024 };
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
const LOG_EVERY_MS = 60_000;
/** At a stop. */
const FLUSH_MS = 3_000;

export interface TracesParts {
  readonly collector: { send(body: string, signal: AbortSignal): Promise<Answer> };
  /** Fails if the settings cannot be used. */
  readonly check: () => Promise<void>;
  readonly installation: string;
  /** This node. */
  readonly node: { readonly id: string; readonly host: string; readonly version: string };
  readonly clock: Clock;
  readonly log: Log;
  /** Default: `WAITING`. */
  readonly bounds?: Bounds;
}

export class Traces implements Service {
  readonly #parts: TracesParts;
  readonly #queue: Queue;
  readonly #stopping = new AbortController();
  readonly #giveUp = new AbortController();
  #work: Promise<void> | null = null;
  /** Spans of the request that is under way. */
  #sending = 0;
  #exported = 0;
  #refused = 0;
  #dropped = 0;
  #warnedMs = Number.NEGATIVE_INFINITY;
  /** A warning was logged, and not yet that spans are taken again. */
  #isOpen = false;

  constructor(parts: TracesParts) {
    this.#parts = parts;
    this.#queue = new Queue(parts.bounds ?? WAITING);
  }

  async start(): Promise<void> {
    await this.#parts.check();
  }

  /** Sends what waits, once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const work = this.#work ?? Promise.resolve();
    await within(this.#parts.clock, FLUSH_MS, work);
    this.#giveUp.abort();
    await work;
  }

  decided(notices: readonly Notice[]): void {
    const ended = notices.flatMap((notice) =>
      notice.kind === 'run' && notice.run.endedAt !== null ? [notice.run] : [],
    );
    if (ended.length === 0) return;
    for (const run of ended) this.#dropped += this.#queue.add(run);
    this.#work ??= this.#export().finally(() => {
      this.#work = null;
    });
  }

  figures(): TraceFigures {
    return {
      exported: this.#exported,
      refused: this.#refused,
      dropped: this.#dropped,
      waiting: this.#queue.spans + this.#sending,
    };
  }

  async #export(): Promise<void> {
    await sleep(this.#parts.clock, GATHER_MS, this.#stopping.signal);
    for (let runs = this.#queue.take(BATCH); runs.length > 0; runs = this.#queue.take(BATCH)) {
      this.#sending = runs.reduce((sum, run) => sum + spanCount(run), 0);
      await this.#deliver(await this.#request(runs));
    }
  }

  /** Of OTLP in JSON, written in turns with other work. */
  async #request(runs: readonly Run[]): Promise<string> {
    const { installation, node, clock } = this.#parts;
    const resource = attributesOf({
      'service.name': 'carillon',
      'service.version': node.version,
      'service.instance.id': node.id,
      'host.name': node.host,
      'carillon.installation': installation,
    });
    const scope = { name: 'carillon', version: node.version };
    const spans: string[] = [];
    let untilMs = clock.monotonicMs() + SLICE_MS;
    for (const run of runs) {
      spans.push(...spansOf(installation, run).map((span) => JSON.stringify(span)));
      if (clock.monotonicMs() < untilMs) continue;
      await sleep(clock, 0);
      untilMs = clock.monotonicMs() + SLICE_MS;
    }
    const ofScope = `{"scope":${JSON.stringify(scope)},"spans":[${spans.join(',')}]}`;
    const ofResource = `{"resource":${JSON.stringify({ attributes: resource })},"scopeSpans":[${ofScope}]}`;
    return `{"resourceSpans":[${ofResource}]}`;
  }

  async #deliver(body: string): Promise<void> {
    const { collector, clock, log } = this.#parts;
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS)) {
      const answer = await collector.send(body, this.#giveUp.signal);
      if (answer.kind !== 'away') {
        this.#took(answer);
        return;
      }
      if (this.#stopping.signal.aborted) {
        this.#dropped += this.#sending + this.#queue.clear();
        this.#sending = 0;
        log.warn({ error: answer.message, ...this.figures() }, 'traces.dropped');
        return;
      }
      this.#warn('traces.delayed', answer.message);
      await sleep(clock, Math.max(delayMs, answer.retryAfterMs), this.#stopping.signal);
    }
  }

  #took(answer: Exclude<Answer, { kind: 'away' }>): void {
    const spans = this.#sending;
    this.#sending = 0;
    const refused = answer.kind === 'refused' ? spans : Math.min(answer.rejected, spans);
    this.#refused += refused;
    this.#exported += spans - refused;
    if (refused > 0) this.#warn('traces.refused', answer.message);
    else if (this.#isOpen) {
      this.#parts.log.info(this.figures(), 'traces.exported');
      this.#isOpen = false;
    }
  }

  /** At most once a minute, whatever the collector says. */
  #warn(event: string, error: string): void {
    const { clock, log } = this.#parts;
    const now = clock.monotonicMs();
    if (now - this.#warnedMs < LOG_EVERY_MS) return;
    this.#warnedMs = now;
    this.#isOpen = true;
    log.warn({ error, ...this.figures() }, event);
  }
}
