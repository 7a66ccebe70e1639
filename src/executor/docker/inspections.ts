/** The containers that are to be inspected: a few at a time, each once, and those being launched afterwards. */

/** Each takes the engine a millisecond; more at once would only delay launches. */
const atOnce = 4;

/** Data of a `die` event, for a container that can no longer be inspected. */
export interface Death {
  readonly at: number;
  readonly exitCode: number | null;
}

export class Inspections {
  readonly #inspect: (id: string, death: Death | null) => Promise<void>;
  readonly #signal: AbortSignal;
  /** By id. */
  readonly #due = new Map<string, Death | null>();
  /** Containers at their gates that are being launched. By launch name. */
  readonly #held = new Map<string, { readonly id: string; readonly death: Death | null }>();
  readonly #underWay = new Set<Promise<void>>();

  /** `inspect` never fails. None begins after `signal`. */
  constructor(inspect: (id: string, death: Death | null) => Promise<void>, signal: AbortSignal) {
    this.#inspect = inspect;
    this.#signal = signal;
  }

  add(id: string, death: Death | null): void {
    this.#due.set(id, death ?? this.#due.get(id) ?? null);
    this.#next();
  }

  /** Repeats the inspection at `release`. */
  hold(launchName: string, id: string, death: Death | null): void {
    this.#held.set(launchName, { id, death: death ?? this.#held.get(launchName)?.death ?? null });
  }

  release(launchName: string): void {
    const held = this.#held.get(launchName);
    if (held === undefined) return;
    this.#held.delete(launchName);
    this.add(held.id, held.death);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #next(): void {
    for (const [id, death] of this.#due) {
      if (this.#underWay.size >= atOnce || this.#signal.aborted) return;
      this.#due.delete(id);
      const inspection = this.#inspect(id, death).finally(() => {
        this.#underWay.delete(inspection);
        this.#next();
      });
      this.#underWay.add(inspection);
    }
  }
}
