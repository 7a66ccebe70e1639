/**
 * The starts of one engine, by priority, then due time: engines work best with a few at a time, and here the
 * order can still change. Preparations come after everything that is due. Launches waiting at their gate have
 * a separate path: opening the gate takes almost no time, and they were prepared in order not to wait.
 */

import { StartLine } from './start-line.ts';

export interface Start {
  readonly launchName: string;
  readonly kind: 'launch' | 'prepare';
  readonly priority: number;
  readonly due: number;
  /** Called when its turn comes. */
  readonly isWanted: () => boolean;
  /** Never rejects. */
  readonly run: () => Promise<void>;
}

/** Concurrent gate openings: one is a byte and a query of the result, but a burst should be limited. */
const OPENINGS_IN_FLIGHT = 64;

interface Lane {
  readonly width: number;
  readonly waiting: StartLine<Start>;
  running: number;
}

export class StartQueue {
  readonly #starts: Lane;
  readonly #openings = laneOf(OPENINGS_IN_FLIGHT);
  /** Starts in progress. */
  readonly #running = new Map<string, Promise<void>>();
  #launchesWaiting = 0;

  constructor(width: number) {
    this.#starts = laneOf(width);
  }

  /** Launches that wait for a slot. */
  get waiting(): number {
    return this.#launchesWaiting;
  }

  /** A start in progress is not added again; a waiting one is replaced. */
  add(start: Start, isHeld: boolean): void {
    const key = keyOf(start);
    if (this.#running.has(key)) return;
    this.drop(start);
    (isHeld ? this.#openings : this.#starts).waiting.add(key, start);
    if (start.kind === 'launch') this.#launchesWaiting += 1;
  }

  /** Removes a waiting start. False if there is none. */
  drop(start: Pick<Start, 'kind' | 'launchName'>): boolean {
    const key = keyOf(start);
    const dropped = this.#starts.waiting.drop(key) ?? this.#openings.waiting.drop(key);
    if (dropped?.kind === 'launch') this.#launchesWaiting -= 1;
    return dropped !== undefined;
  }

  /** Resolves when the launch in progress has a response; at once if there is none. */
  async answered(launchName: string): Promise<void> {
    await this.#running.get(keyOf({ kind: 'launch', launchName }));
  }

  /** Starts as many as have slots; `onFree` is called whenever a slot becomes free. */
  pump(onFree: () => void): void {
    for (const lane of [this.#openings, this.#starts]) {
      while (lane.running < lane.width) {
        const start = lane.waiting.take();
        if (start === undefined) break;
        if (start.kind === 'launch') this.#launchesWaiting -= 1;
        const key = keyOf(start);
        if (!start.isWanted() || this.#running.has(key)) continue;
        lane.running += 1;
        const done = start.run().finally(() => {
          lane.running -= 1;
          this.#running.delete(key);
          onFree();
        });
        this.#running.set(key, done);
      }
    }
  }

  /** Drops what waits. Resolves when everything in progress has a response. */
  async close(): Promise<void> {
    this.#starts.waiting.clear();
    this.#openings.waiting.clear();
    this.#launchesWaiting = 0;
    await Promise.all(this.#running.values());
  }

  get isEmpty(): boolean {
    return this.#starts.waiting.size + this.#openings.waiting.size === 0;
  }
}

const keyOf = ({ kind, launchName }: Pick<Start, 'kind' | 'launchName'>): string => `${kind}/${launchName}`;

function laneOf(width: number): Lane {
  return { width, waiting: new StartLine(comesBefore), running: 0 };
}

function comesBefore(a: Start, b: Start): boolean {
  if (a.kind !== b.kind) return a.kind === 'launch';
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.due < b.due;
}
