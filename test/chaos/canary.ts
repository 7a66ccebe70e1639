/**
 * Watches the machine rather than the cluster: it does, over and over, the least that any launch has to do, which
 * is to start a process and see it end. Where that takes long, others have taken the processors or the memory, and
 * no scheduler could have been on time: such stretches are told as faults of the machine.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Fault } from './history.ts';

const everyMs = 200;
/** On a machine that is busy but not starved it takes a tenth of this. */
const starvedMs = 300;

export class Canary {
  readonly stalls: Fault[] = [];
  #watching = true;
  #watch: Promise<void> = Promise.resolve();

  start(): void {
    this.#watch = this.#sing();
  }

  async stop(): Promise<void> {
    this.#watching = false;
    await this.#watch;
  }

  async #sing(): Promise<void> {
    while (this.#watching) {
      const from = Date.now();
      const child = spawn('/bin/sh', ['-c', ':'], { stdio: 'ignore' });
      await once(child, 'exit');
      const to = Date.now();
      if (to - from > starvedMs)
        this.stalls.push({ kind: 'pause', on: 'machine', target: 'machine', from, to, led: false });
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (to - from))));
    }
  }
}
