/** All jobs that one leads to: its ancestors or its descendants, by the edges that are followed. */

/** Nearest first, each once, without `start` itself; at most `steps` edges away. Default: all the way. */
export function* reach(
  start: string,
  next: (name: string) => readonly string[],
  steps: number = Number.POSITIVE_INFINITY,
): Generator<string, void> {
  const seen = new Set([start]);
  let level: readonly string[] = [start];
  for (let step = 0; step < steps && level.length > 0; step++) {
    const further: string[] = [];
    for (const name of level) {
      for (const each of next(name)) {
        if (seen.has(each)) continue;
        seen.add(each);
        further.push(each);
        yield each;
      }
    }
    level = further;
  }
}
