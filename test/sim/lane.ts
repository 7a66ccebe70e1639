/** One direction of a connection: everything arrives in order or, from where the network was cut, not at all. */

import type { Link, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

/** How often what is sent goes into the packet that is on its way already. */
const TOGETHER = 0.5;

export interface LaneParts {
  readonly process: Process;
  readonly network: Network;
  readonly link: Link;
  readonly random: Random;
}

/** Towards the process: what arrives while it is stopped is heard when it goes on. */
export type Direction = 'to-process' | 'to-servers';

type Step = () => void;

export class Lane {
  readonly #parts: LaneParts;
  /** The newest packet while it is on its way. */
  #packet: Step[] | null = null;
  #lastArrival = 0;
  readonly #direction: Direction;
  #closed = false;

  constructor(direction: Direction, parts: LaneParts) {
    this.#direction = direction;
    this.#parts = parts;
  }

  /** Something is on its way. */
  get isFilling(): boolean {
    return this.#packet !== null;
  }

  close(): void {
    this.#closed = true;
  }

  send(step: Step, extraMs = 0): void {
    const { process, network, link, random } = this.#parts;
    if (this.#packet !== null && random.chance(TOGETHER)) {
      this.#packet.push(step);
      return;
    }
    const { time } = process;
    const packet = [step];
    this.#packet = packet;
    this.#lastArrival = Math.max(this.#lastArrival + 1, time.now + network.delay(link) + extraMs);
    time.after(this.#lastArrival - time.now, () => this.#arrive(packet));
  }

  #arrive(packet: readonly Step[]): void {
    const { process, link, random } = this.#parts;
    if (this.#packet === packet) this.#packet = null;
    // Of what is under way when the link is cut, the first may arrive.
    if (!link.up && !random.chance(0.3)) this.close();
    if (this.#direction === 'to-servers') this.#hear(packet);
    else process.deliver(() => this.#hear(packet));
  }

  #hear(packet: readonly Step[]): void {
    for (const step of packet) if (!this.#closed) step();
  }
}
