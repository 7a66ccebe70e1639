/**
 * What to process next: a binary heap of (time, subject), highest priority first among equal times. Entries
 * are never removed when plans change; whoever pops one must check with the subject whether it still applies.
 */

export interface Subject {
  readonly priority: number;
}

export interface Due<S> {
  readonly instant: number;
  readonly subject: S;
}

export class Timetable<S extends Subject> {
  readonly #instants: number[] = [];
  readonly #subjects: S[] = [];

  get size(): number {
    return this.#instants.length;
  }

  /** The earliest time. Infinity if it is empty. */
  earliest(): number {
    return this.#instants[0] ?? Number.POSITIVE_INFINITY;
  }

  add(instant: number, subject: S): void {
    let at = this.#instants.length;
    this.#instants.push(instant);
    this.#subjects.push(subject);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Removes and returns the earliest entry if its time is not after `nowMs`, and if it may be taken. */
  takeDue(nowMs: number, mayTake: (due: Due<S>) => boolean = () => true): Due<S> | null {
    const instant = this.#instants[0];
    const subject = this.#subjects[0];
    if (instant === undefined || subject === undefined || instant > nowMs) return null;
    if (!mayTake({ instant, subject })) return null;
    const lastInstant = this.#instants.pop();
    const lastSubject = this.#subjects.pop();
    if (this.#instants.length > 0 && lastInstant !== undefined && lastSubject !== undefined) {
      this.#instants[0] = lastInstant;
      this.#subjects[0] = lastSubject;
      this.#sink();
    }
    return { instant, subject };
  }

  /** Subjects whose time is not after then, at most so many, in no order. */
  upTo(instant: number, most: number): S[] {
    const found: S[] = [];
    const places = [0];
    for (const at of places) {
      const subject = this.#subjects[at];
      if (subject === undefined || (this.#instants[at] as number) > instant) continue;
      found.push(subject);
      if (found.length === most) break;
      places.push(2 * at + 1, 2 * at + 2);
    }
    return found;
  }

  #sink(): void {
    const size = this.#instants.length;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      let first = at;
      if (left < size && this.#before(left, first)) first = left;
      if (right < size && this.#before(right, first)) first = right;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#instants[a] as number) - (this.#instants[b] as number);
    if (difference !== 0) return difference < 0;
    return (this.#subjects[a] as S).priority > (this.#subjects[b] as S).priority;
  }

  #swap(a: number, b: number): void {
    const instant = this.#instants[a] as number;
    this.#instants[a] = this.#instants[b] as number;
    this.#instants[b] = instant;
    const subject = this.#subjects[a] as S;
    this.#subjects[a] = this.#subjects[b] as S;
    this.#subjects[b] = subject;
  }
}
