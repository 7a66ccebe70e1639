/**
 * The dependency graph, updated one job at a time, with edges in both directions. Only jobs with an edge take
 * memory, so a million independent jobs cost nothing here.
 *
 * Assumes that `checkParents` has accepted every change: the graph itself does not look for cycles. The cost
 * of a change is proportional to the edges it touches, and results do not depend on the insertion order.
 */

import { reach } from './reach.ts';

/** Compares by code unit: the same order on every machine, whatever its locale. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Node {
  parents: readonly string[];
  readonly children: Set<string>;
  /** The sorted children, created on first use: a parent of thousands is not sorted at each change. */
  sorted: readonly string[] | null;
}

const none: readonly string[] = Object.freeze([]);

export class Graph {
  readonly #nodes = new Map<string, Node>();

  /**
   * Replaces the parents of `child`, in this order and without duplicates. An empty list removes its edges to
   * parents.
   */
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

  /** Removes the job with all its edges; the children keep their other parents. */
  remove(name: string): void {
    this.setParents(name, none);
    for (const child of this.childrenOf(name)) {
      this.setParents(
        child,
        this.parentsOf(child).filter((parent) => parent !== name),
      );
    }
  }

  /** In the given order. */
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

  /** Everything `name` depends on, directly or indirectly; nearest first, without itself. */
  ancestors(name: string): string[] {
    return [...reach(name, (each) => this.parentsOf(each))];
  }

  /** Everything that depends on `name`, directly or indirectly; nearest first, without itself. */
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
