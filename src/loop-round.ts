/**
 * Reads share the loop with commits and launches: between portions of work they wait here, requests and stores alike. Of
 * all that wait one goes on in each round of the loop; a process has one loop, so it has one queue.
 */

const waiting: (() => void)[] = [];

/** What is set within a round is called in the next one, behind timers and whatever came in. */
function round(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(round);
}

/** Resolves in a later round of the loop, after all who wait already. */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(round);
  });
}
