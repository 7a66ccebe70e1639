/** A job with all that depends on it, for reads of what follows from one run. */

import { Graph } from '../../dag/graph.ts';
import { treeOrder } from '../../dag/order.ts';
import { reach } from '../../dag/reach.ts';
import type { JobReader, Steps } from '../handle.ts';
import type { RoundJob } from './round.ts';

export interface JobsBelow {
  /** The root first, then what depends on it, in the order of a tree. */
  readonly jobs: readonly RoundJob[];
  /** There are more than `most`. */
  readonly cut: boolean;
}

export function* jobsBelow(
  { childrenOf, parentsOf }: Pick<JobReader, 'childrenOf' | 'parentsOf'>,
  root: string,
  most: number,
): Steps<JobsBelow> {
  const names = new Set([root]);
  let cut = false;
  for (const name of reach(root, childrenOf)) {
    cut = names.size === most;
    if (cut) break;
    names.add(name);
  }
  const graph = new Graph();
  for (const name of names)
    if (name !== root)
      graph.setParents(
        name,
        parentsOf(name).filter((parent) => names.has(parent)),
      );
  const placed = yield* treeOrder(graph, names);
  return { jobs: placed.map(({ name }) => ({ name, parents: graph.parentsOf(name) })), cut };
}
