/**
 * Watches the machine instead of the cluster: again and again, it starts a process that calculates for a few
 * milliseconds, and waits for its end. If that takes long, others have taken the processors or the memory, and no
 * scheduler could have been on time: such stretches are recorded as faults of the machine.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Fault } from './history.ts';

const everyMs = 200;
/** On an idle machine it takes a tenth of this. */
const starvedMs = 300;
const calculation = 'i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done';

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
    // When it was to begin: a wait that lasts too long counts as well.
    for (let from = Date.now(); this.#watching; ) {
      // A session of its own, as each job and each node has: the system shares the processors between sessions.
      const child = spawn('/bin/sh', ['-c', calculation], { stdio: 'ignore', detached: true });
      await once(child, 'exit');
      const to = Date.now();
      if (to - from > starvedMs)
        this.stalls.push({ kind: 'pause', on: 'machine', target: 'machine', from, to, led: false });
      from = Math.max(to, from + everyMs);
      await new Promise((resolve) => setTimeout(resolve, from - to));
    }
  }
}
