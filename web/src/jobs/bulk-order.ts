/** Which jobs depend on a set of jobs, and the order in which the set can be deleted. */

interface Linked {
  readonly name: string;
  readonly children: readonly string[];
}

/** Children that are not in the set. */
export function hangingOn(jobs: readonly Linked[]): string[] {
  const own = new Set(jobs.map(({ name }) => name));
  return [...new Set(jobs.flatMap(({ children }) => children))].filter((name) => !own.has(name)).sort();
}

/** Each job after all of its children in the set. */
export function childrenFirst<J extends Linked>(jobs: readonly J[]): J[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const placed = new Set<string>();
  const order: J[] = [];
  // An explicit stack: chains may be longer than the call stack allows.
  for (const root of jobs) {
    const path = [root];
    for (let job = path.at(-1); job !== undefined; job = path.at(-1)) {
      const child = job.children
        .map((name) => byName.get(name))
        .find((each) => each && !placed.has(each.name));
      if (child !== undefined) {
        path.push(child);
        continue;
      }
      path.pop();
      if (!placed.has(job.name)) order.push(job);
      placed.add(job.name);
    }
  }
  return order;
}
