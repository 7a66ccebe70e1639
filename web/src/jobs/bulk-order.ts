/** What hangs on jobs, and in which order they can go without anything hanging in the air. */

interface Linked {
  readonly name: string;
  readonly children: readonly string[];
}

/** Children that are not among the jobs themselves. */
export function hangingOn(jobs: readonly Linked[]): string[] {
  const own = new Set(jobs.map(({ name }) => name));
  return [...new Set(jobs.flatMap(({ children }) => children))].filter((name) => !own.has(name)).sort();
}

/** Each job after all of its children that are among them. */
export function childrenFirst<J extends Linked>(jobs: readonly J[]): J[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const placed = new Set<string>();
  const order: J[] = [];
  // Explicit stack: chains may be longer than the call stack is deep.
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
