/**
 * Runs tasks in the order they come, `width` at a time: a burst of launches must neither exhaust descriptors
 * nor starve the machine.
 */

import { CarillonError } from '../errors.ts';

/** Ten times the largest burst that is promised; beyond it somebody else than a burst is at work. */
export const maxWaiting = 100_000;

export interface StartQueue {
  /** Resolves as the task does. ENGINE_UNAVAILABLE when too many wait already, or after `close`. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Refuses what waits. What runs goes on. */
  close(): void;
}

export function createStartQueue(width: number): StartQueue {
  const waiting: { start: () => void; refuse: (error: Error) => void }[] = [];
  let running = 0;
  let closed = false;

  return {
    async run(task) {
      if (closed) throw unavailable('the scheduler is stopping');
      if (waiting.length >= maxWaiting) throw unavailable(`${maxWaiting} launches wait already`);
      if (running < width) running++;
      else await new Promise<void>((start, refuse) => waiting.push({ start, refuse }));
      try {
        return await task();
      } finally {
        // Whoever waits takes over this place; the count falls only when nobody does.
        const next = waiting.shift();
        if (next) next.start();
        else running--;
      }
    },
    close() {
      closed = true;
      for (const { refuse } of waiting.splice(0)) refuse(unavailable('the scheduler is stopping'));
    },
  };
}

function unavailable(reason: string): CarillonError {
  return new CarillonError('ENGINE_UNAVAILABLE', `Nothing can be started now: ${reason}`);
}
