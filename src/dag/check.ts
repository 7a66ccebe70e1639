/**
 * Refuses invalid dependencies: unknown parents, and cycles, which are reported as a path from parent to
 * child (`a → b → a`).
 *
 * Assumes that the current graph has no cycle, so a new one includes the change. Walks only what the change
 * can reach, and reports the same cycle for any insertion order.
 */
import { CarillonError } from '../errors.ts';
import { byName, type Graph } from './graph.ts';

const FIELD = 'schedule.after.parents';

type Exists = (name: string) => boolean;
type Suggest = (unknown: string) => readonly string[];

/**
 * Checks whether `parents` may become the parents of `child`. Throws UNKNOWN_PARENT (with the closest names,
 * if `suggest` knows any) or DEPENDENCY_CYCLE (with the path in `details.names`). A job that depends on
 * itself is a cycle.
 */
export function checkParents(
  graph: Graph,
  child: string,
  parents: readonly string[],
  exists: Exists,
  suggest?: Suggest,
): void {
  for (const parent of parents) {
    if (parent !== child && !exists(parent)) throw unknownParent(child, parent, suggest);
  }
  const path = pathDown(graph, child, parents);
  if (path !== null) throw cycle([...path, child]);
}

/** The shortest path down from `child` to one of `parents`, or null. */
function pathDown(graph: Graph, child: string, parents: readonly string[]): string[] | null {
  const targets = new Set(parents);
  if (targets.has(child)) return [child];
  // Only a job with parents can be below another, so usually there is nothing to walk.
  if (!parents.some((parent) => graph.parentsOf(parent).length > 0)) return null;
  const cameFrom = new Map<string, string | null>([[child, null]]);
  for (const name of cameFrom.keys()) {
    for (const next of graph.childrenOf(name)) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      if (targets.has(next)) return trail(cameFrom, next);
    }
  }
  return null;
}

function trail(cameFrom: ReadonlyMap<string, string | null>, end: string): string[] {
  const path: string[] = [];
  for (let at: string | null = end; at !== null; at = cameFrom.get(at) ?? null) path.push(at);
  return path.reverse();
}

/** A job to apply, with its new parents. */
export interface Applied {
  readonly name: string;
  readonly parents: readonly string[];
}

/**
 * The names of `jobs`, parents before children, for applying many at once. Each job counts with its new
 * parents; all others have those in the graph. Throws like `checkParents`; a parent among `jobs` need not
 * exist yet.
 */
export function applyOrder(
  jobs: readonly Applied[],
  graph: Graph,
  exists: Exists,
  suggest?: Suggest,
): string[] {
  const applied = new Map(jobs.map((job) => [job.name, [...job.parents].sort(byName)]));
  for (const [name, parents] of applied) {
    for (const parent of parents) {
      if (!applied.has(parent) && !exists(parent)) throw unknownParent(name, parent, suggest);
    }
  }
  const above = (name: string) => applied.get(name) ?? graph.parentsOf(name);
  const ordered: string[] = [];
  const finished = new Set<string>();
  for (const name of [...applied.keys()].sort(byName)) finish(name, { above, finished, ordered });
  return ordered.filter((name) => applied.has(name));
}

interface Walk {
  readonly above: (name: string) => readonly string[];
  readonly finished: Set<string>;
  readonly ordered: string[];
}

/**
 * Depth first towards the parents, with an explicit stack: chains may be longer than the call stack allows.
 */
function finish(start: string, { above, finished, ordered }: Walk): void {
  if (finished.has(start)) return;
  const onPath = new Set([start]);
  const stack = [{ name: start, left: above(start)[Symbol.iterator]() }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { done, value: parent } = top.left.next();
    if (done) {
      stack.pop();
      onPath.delete(top.name);
      finished.add(top.name);
      ordered.push(top.name);
    } else if (onPath.has(parent)) {
      const path = stack.map((each) => each.name);
      throw cycle(fromSmallest(path.slice(path.indexOf(parent)).reverse()));
    } else if (!finished.has(parent)) {
      onPath.add(parent);
      stack.push({ name: parent, left: above(parent)[Symbol.iterator]() });
    }
  }
}

/** The cycle as a path that starts and ends at its smallest name. */
function fromSmallest(ring: readonly string[]): string[] {
  const first = [...ring].sort(byName)[0]!;
  const at = ring.indexOf(first);
  return [...ring.slice(at), ...ring.slice(0, at), first];
}

function cycle(names: readonly string[]): CarillonError {
  const message =
    names.length === 2
      ? `${names[0]} depends on itself.`
      : `The jobs depend on each other: ${names.join(' → ')}.`;
  return new CarillonError('DEPENDENCY_CYCLE', message, {
    field: FIELD,
    names,
    allowed: 'parents that do not depend on the job, directly or through others',
  });
}

/** UNKNOWN_PARENT, with the existing jobs whose names are nearest. */
export function unknownParent(child: string, parent: string, suggest?: Suggest): CarillonError {
  const nearest = suggest?.(parent) ?? [];
  const verb = nearest.length === 1 ? 'is' : 'are';
  const hint = nearest.length > 0 ? `; the nearest ${verb} ${nearest.join(', ')}` : '';
  return new CarillonError('UNKNOWN_PARENT', `The parent '${parent}' of '${child}' does not exist${hint}.`, {
    field: FIELD,
    value: parent,
    allowed: nearest.length > 0 ? nearest : 'names of existing jobs, or of jobs in the same request',
  });
}
