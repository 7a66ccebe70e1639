/** Launches between their call and their end: two calls are one, and a kill in the meantime is not lost. */
export class Flights {
  readonly #under = new Map<string, { readonly flight: Flight; readonly done: Promise<void> }>();

  /** What is under way under this name already, or `launch`. */
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

  /** Leaves word that it is to be killed, where it is under way. */
  kill(launchName: string, graceMs: number): void {
    const under = this.#under.get(launchName);
    if (under !== undefined) under.flight.killed = { graceMs };
  }

  /** Resolves when all that are under way have ended, however they did. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#under.values()].map(({ done }) => done));
  }
}

export interface Flight {
  /** Set as soon as somebody wants it dead. */
  killed: { readonly graceMs: number } | null;
}
