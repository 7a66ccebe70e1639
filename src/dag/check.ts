/**
 * Refuses dependencies that can't hold: unknown parents, and cycles, which are named as a path from parent
 * to child (`a → b → a`).
 *
 * Assumes that the graph as it stands has no cycle, so a new one runs through the change. Promises to walk
 * only what the change can reach, and to name the same cycle whatever the order of insertion.
 */
import { CarillonError } from '../errors.ts';
import { byName, type Graph } from './graph.ts';

const FIELD = 'schedule.after.parents';

type Exists = (name: string) => boolean;
type Suggest = (unknown: string) => readonly string[];

/**
 * May `parents` become the parents of `child`?
 * Throws UNKNOWN_PARENT (with the nearest names, if `suggest` knows any) or DEPENDENCY_CYCLE (with the
 * path in `details.names`). A job that waits for itself is a cycle.
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

/** The shortest way down from `child` to one of `parents`, or null. */
function pathDown(graph: Graph, child: string, parents: readonly string[]): string[] | null {
  const targets = new Set(parents);
  if (targets.has(child)) return [child];
  // Only a job that itself has parents can lie below another: mostly there is nothing to walk.
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

/** A job to apply and what it is to wait for. */
export interface Applied {
  readonly name: string;
  readonly parents: readonly string[];
}

/**
 * The names of `jobs` in an order in which parents come before children, for applying many at once. Each
 * job counts with the parents it is to have; jobs that are not among them count as the graph has them.
 * Throws as `checkParents`; a parent among `jobs` need not exist yet.
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

/** Depth first towards the parents, with a stack of its own: chains may be longer than the call stack. */
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

/** The ring opened at its smallest name, which stands at both ends. */
function fromSmallest(ring: readonly string[]): string[] {
  const first = [...ring].sort(byName)[0]!;
  const at = ring.indexOf(first);
  return [...ring.slice(at), ...ring.slice(0, at), first];
}

function cycle(names: readonly string[]): CarillonError {
  const message =
    names.length === 2
      ? `${names[0]} waits for itself.`
      : `The jobs wait for each other: ${names.join(' → ')}.`;
  return new CarillonError('DEPENDENCY_CYCLE', message, {
    field: FIELD,
    names,
    allowed: 'parents that do not wait for the job, directly or through others',
  });
}

function unknownParent(child: string, parent: string, suggest?: Suggest): CarillonError {
  const nearest = suggest?.(parent) ?? [];
  const hint = nearest.length > 0 ? `; the nearest are ${nearest.join(', ')}` : '';
  return new CarillonError('UNKNOWN_PARENT', `parent '${parent}' of '${child}' does not exist${hint}`, {
    field: FIELD,
    value: parent,
    allowed: nearest.length > 0 ? nearest : 'names of existing jobs',
  });
}
