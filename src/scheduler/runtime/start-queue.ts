/**
 * The starts of one engine, by priority, then due instant: engines serve a few at a time best, and here the order
 * can still be changed. What is to be made ready comes behind all that is due. What is held at its gate has a way of
 * its own: opening it costs next to nothing, and it was held so as not to wait.
 */

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
  readonly waiting: Start[];
  running: number;
}

export class StartQueue {
  readonly #starts: Lane;
  readonly #openings: Lane = { width: OPENINGS_IN_FLIGHT, waiting: [], running: 0 };
  /** What runs now. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(width: number) {
    this.#starts = { width, waiting: [], running: 0 };
  }

  /** Launches that wait for their place. */
  get waiting(): number {
    const { waiting } = this.#starts;
    const behind = waiting.findIndex(({ kind }) => kind === 'prepare');
    return (behind < 0 ? waiting.length : behind) + this.#openings.waiting.length;
  }

  /** One that runs already is not added. */
  add(start: Start, isHeld: boolean): void {
    if (this.#running.has(keyOf(start))) return;
    const { waiting } = isHeld ? this.#openings : this.#starts;
    let at = waiting.length;
    while (at > 0 && comesBefore(start, waiting[at - 1] as Start)) at -= 1;
    waiting.splice(at, 0, start);
  }

  /** Takes out one that waits; false when there is none. */
  drop(start: Pick<Start, 'kind' | 'launchName'>): boolean {
    return [this.#starts, this.#openings].some(({ waiting }) => {
      const at = waiting.findIndex((each) => keyOf(each) === keyOf(start));
      if (at >= 0) waiting.splice(at, 1);
      return at >= 0;
    });
  }

  /** Resolves when the launch that runs now has an answer; at once when none runs. */
  async answered(launchName: string): Promise<void> {
    await this.#running.get(keyOf({ kind: 'launch', launchName }));
  }

  /** Begins what there is a place for; `onFree` is called whenever a place has become free. */
  pump(onFree: () => void): void {
    for (const lane of [this.#openings, this.#starts]) {
      while (lane.running < lane.width) {
        const start = lane.waiting.shift();
        if (start === undefined) break;
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
    this.#starts.waiting.length = 0;
    this.#openings.waiting.length = 0;
    await Promise.all(this.#running.values());
  }

  get isEmpty(): boolean {
    return this.#starts.waiting.length + this.#openings.waiting.length === 0;
  }
}

const keyOf = ({ kind, launchName }: Pick<Start, 'kind' | 'launchName'>): string => `${kind}/${launchName}`;

function comesBefore(a: Start, b: Start): boolean {
  if (a.kind !== b.kind) return a.kind === 'launch';
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.due < b.due;
}
