/** Launches, or removals, in progress: two calls are one, and a kill in the meantime is not lost. */
export class Flights {
  readonly #under = new Map<string, { readonly flight: Flight; readonly done: Promise<void> }>();

  /** The launch in progress under this name, or `launch`. */
  run(launchName: string, launch: (flight: Flight) => Promise<void>): Promise<void> {
    const under = this.#under.get(launchName);
    if (under !== undefined) return under.done;
    const flight: Flight = { killed: null };
    const done = Promise.resolve()
      .then(() => launch(flight))
      .finally(() => this.#under.delete(launchName));
    this.#under.set(launchName, { flight, done });
    return done;
  }

  has(launchName: string): boolean {
    return this.#under.has(launchName);
  }

  /** Records that a launch in progress is to be killed. */
  kill(launchName: string, graceMs: number): void {
    const under = this.#under.get(launchName);
    if (under !== undefined) under.flight.killed = { graceMs };
  }

  /** Resolves when all launches in progress have ended, successfully or not. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#under.values()].map(({ done }) => done));
  }
}

export interface Flight {
  /** Set as soon as a kill is requested. */
  killed: { readonly graceMs: number } | null;
}
