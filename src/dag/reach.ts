/** All jobs that can be reached from a job: its ancestors or its descendants, depending on the edges followed. */

/** Nearest first, without duplicates and without `start`, at most `steps` edges away. Default: no limit. */
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
