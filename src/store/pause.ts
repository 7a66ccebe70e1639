/**
 * Reads of the past share the loop with commits and launches: between portions of some hundred microseconds they wait
 * here. Of all that wait one goes on in each round of the loop; a process has one loop, so it has one queue.
 */

const waiting: (() => void)[] = [];

/** What is set within a round is called in the next one, behind timers and whatever came in. */
function round(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(round);
}

export function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(round);
  });
}
