/**
 * Reads share the event loop with commits and launches. Requests and stores wait here between portions of
 * work. One waiter continues per round of the loop. A process has one loop, so it has one queue.
 */

const waiting: (() => void)[] = [];

/** Immediates set within a round run in the next one, after timers and incoming I/O. */
function round(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(round);
}

/** Resolves in a later round of the loop, after all current waiters. */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(round);
  });
}
