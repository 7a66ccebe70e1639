/**
 * The dependency graph, kept up to date one job at a time: who waits for whom, in both directions.
 * Only jobs that have an edge take room, so a million jobs of which most stand alone cost nothing here.
 *
 * Assumes that `checkParents` has accepted what is set: the graph itself looks for no cycles.
 * Promises: a change costs in proportion to the edges it touches; what is read back does not depend on
 * the order in which jobs were added.
 */

import { reach } from './reach.ts';

/** Names in code unit order: the same on every machine, whatever its locale. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Node {
  parents: readonly string[];
  readonly children: Set<string>;
  /** The children in order, made when first asked for: a parent of thousands is not sorted at each change. */
  sorted: readonly string[] | null;
}

const none: readonly string[] = Object.freeze([]);

export class Graph {
  readonly #nodes = new Map<string, Node>();

  /** Makes `parents` the parents of `child`, in this order and each once; none removes its edges upwards. */
  setParents(child: string, parents: readonly string[]): void {
    const wanted = [...new Set(parents)];
    for (const parent of this.parentsOf(child)) this.#unlink(parent, child);
    if (wanted.length > 0) this.#node(child).parents = wanted;
    for (const parent of wanted) {
      const node = this.#node(parent);
      node.children.add(child);
      node.sorted = null;
    }
    this.#forgetIfAlone(child);
  }

  /** Takes the job out with its edges to parents and to children; the children keep their other parents. */
  remove(name: string): void {
    this.setParents(name, none);
    for (const child of this.childrenOf(name)) {
      this.setParents(
        child,
        this.parentsOf(child).filter((parent) => parent !== name),
      );
    }
  }

  /** In the order they were set. */
  parentsOf(name: string): readonly string[] {
    return this.#nodes.get(name)?.parents ?? none;
  }

  /** Sorted by name. */
  childrenOf(name: string): readonly string[] {
    const node = this.#nodes.get(name);
    if (node === undefined) return none;
    node.sorted ??= [...node.children].sort(byName);
    return node.sorted;
  }

  /** Everything `name` waits for, directly or not; nearest first, without itself. */
  ancestors(name: string): string[] {
    return [...reach(name, (each) => this.parentsOf(each))];
  }

  /** Everything that waits for `name`, directly or not; nearest first, without itself. */
  descendants(name: string): string[] {
    return [...reach(name, (each) => this.childrenOf(each))];
  }

  /** The jobs with at least one edge, in no particular order. */
  linked(): Iterable<string> {
    return this.#nodes.keys();
  }

  #node(name: string): Node {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = { parents: none, children: new Set(), sorted: null };
      this.#nodes.set(name, node);
    }
    return node;
  }

  #unlink(parent: string, child: string): void {
    const above = this.#node(parent);
    above.children.delete(child);
    above.sorted = null;
    this.#node(child).parents = none;
    this.#forgetIfAlone(parent);
  }

  #forgetIfAlone(name: string): void {
    const node = this.#nodes.get(name);
    if (node !== undefined && node.parents.length === 0 && node.children.size === 0) this.#nodes.delete(name);
  }
}
