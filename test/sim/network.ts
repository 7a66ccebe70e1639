/** Requests and answers between parts that may not reach each other, or late. */

import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { SimTime } from './time.ts';

/** A message on a good day. */
export const DELAY_MS = 4;

export class Link {
  /** Partitions that cut it now. */
  cuts = 0;
  /** Messages take up to this long. */
  slowMs = DELAY_MS;
  readonly onCut: (() => void)[] = [];
  readonly onHeal: (() => void)[] = [];

  get up(): boolean {
    return this.cuts === 0;
  }

  cut(): void {
    this.cuts += 1;
    if (this.cuts === 1) for (const listener of [...this.onCut]) listener();
  }

  heal(): void {
    this.cuts -= 1;
    if (this.cuts === 0) for (const listener of [...this.onHeal]) listener();
  }
}

/** The answer did not come in time: whether the request was carried out is not known. */
export class Unanswered extends Error {}

export interface Call<T> {
  readonly from: Process;
  readonly link: Link;
  readonly what: string;
  /** Carried out where the request arrives; what it throws is the answer too. */
  readonly at: () => T | Promise<T>;
  readonly timeoutMs: number;
}

export class Network {
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #links = new Map<string, Link>();

  constructor(time: SimTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  link(a: string, b: string): Link {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link();
      this.#links.set(key, link);
    }
    return link;
  }

  delay(link: Link): number {
    return this.#random.mostlySmall(0, link.slowMs);
  }

  /** Fails with `Unanswered`, or as `at` does. A process that died gets no answer, ever. */
  call<T>({ from, link, what, at, timeoutMs }: Call<T>): Promise<T> {
    from.boundary(`${what}: before`);
    return new Promise<T>((resolve, reject) => {
      if (from.dead) return;
      const cancel = from.clock.after(timeoutMs, () =>
        reject(new Unanswered(`${what}: no answer in ${timeoutMs} ms`)),
      );
      const answer = (done: () => void): void => {
        from.boundary(`${what}: carried out`);
        this.#send(link, () =>
          from.deliver(() => {
            cancel();
            done();
            from.boundary(`${what}: answered`);
          }),
        );
      };
      this.#send(link, () => {
        try {
          const value = at();
          if (value instanceof Promise)
            value.then(
              (result) => answer(() => resolve(result)),
              (error: unknown) => answer(() => reject(error)),
            );
          else answer(() => resolve(value));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  #send(link: Link, arrive: () => void): void {
    if (!link.up) return;
    this.#time.after(this.delay(link), () => {
      // Of what is under way when the link is cut, some arrives.
      if (link.up || this.#random.chance(0.3)) arrive();
    });
  }
}
