/** What hangs on jobs, in which order they can go without anything hanging in the air, and which of them start others. */

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

export interface Starts<J> {
  /** To be triggered. */
  readonly start: readonly J[];
  /** Due when those that they wait for have ended: triggered as well, they would run too early, and twice. */
  readonly follow: readonly J[];
}

/** Who of the jobs is to be triggered so that each runs once and in order; `edges` lead from parent to child. */
export function startsOf<J extends { readonly name: string }>(
  jobs: readonly J[],
  edges: readonly { readonly from: string; readonly to: string }[],
): Starts<J> {
  const children = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const known = children.get(from);
    if (known === undefined) children.set(from, [to]);
    else known.push(to);
  }
  const below = new Set<string>();
  const reached = (name: string): void => {
    for (const child of children.get(name) ?? []) below.add(child);
  };
  for (const { name } of jobs) reached(name);
  // Grows while it is walked: also what waits for them by way of jobs that were not chosen.
  for (const name of below) reached(name);
  return {
    start: jobs.filter(({ name }) => !below.has(name)),
    follow: jobs.filter(({ name }) => below.has(name)),
  };
}
