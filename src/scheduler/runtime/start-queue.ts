/**
 * The starts of one engine, by priority, then due instant: engines serve a few at a time best, and here the order
 * can still be changed. What is to be made ready comes behind all that is due. What is held at its gate has a way of
 * its own: opening it costs next to nothing, and it was held so as not to wait.
 */

import { StartLine } from './start-line.ts';

export interface Start {
  readonly launchName: string;
  readonly kind: 'launch' | 'prepare';
  readonly priority: number;
  readonly due: number;
  /** Asked when its turn comes. */
  readonly isWanted: () => boolean;
  /** Never rejects. */
  readonly run: () => Promise<void>;
}

/** Openings at a time: one is a byte and a look at the engine; a burst of them should not be let loose at once. */
const OPENINGS_IN_FLIGHT = 64;

interface Lane {
  readonly width: number;
  readonly waiting: StartLine<Start>;
  running: number;
}

const laneOf = (width: number): Lane => ({ width, waiting: new StartLine(comesBefore), running: 0 });

export class StartQueue {
  readonly #starts: Lane;
  readonly #openings = laneOf(OPENINGS_IN_FLIGHT);
  /** What runs now. */
  readonly #running = new Map<string, Promise<void>>();
  #launchesWaiting = 0;

  constructor(width: number) {
    this.#starts = laneOf(width);
  }

  /** Launches that wait for their place. */
  get waiting(): number {
    return this.#launchesWaiting;
  }

  /** One that runs already is not added; one that waits already is replaced. */
  add(start: Start, isHeld: boolean): void {
    const key = keyOf(start);
    if (this.#running.has(key)) return;
    this.drop(start);
    (isHeld ? this.#openings : this.#starts).waiting.add(key, start);
    if (start.kind === 'launch') this.#launchesWaiting += 1;
  }

  /** Takes out one that waits; false when there is none. */
  drop(start: Pick<Start, 'kind' | 'launchName'>): boolean {
    const key = keyOf(start);
    const dropped = this.#starts.waiting.drop(key) ?? this.#openings.waiting.drop(key);
    if (dropped?.kind === 'launch') this.#launchesWaiting -= 1;
    return dropped !== undefined;
  }

  /** Resolves when the launch that runs now has an answer; at once when none runs. */
  async answered(launchName: string): Promise<void> {
    await this.#running.get(keyOf({ kind: 'launch', launchName }));
  }

  /** Begins what there is a place for; `onFree` is called whenever a place has become free. */
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

  /** Forgets what waits; resolves when what runs has an answer. */
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

function comesBefore(a: Start, b: Start): boolean {
  if (a.kind !== b.kind) return a.kind === 'launch';
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.due < b.due;
}
