/** All jobs at a glance: reads over what a node holds in memory, made so that looking at every job is cheap. */

import type { Look } from './handle.ts';
import { rankedJobs } from './ranking.ts';
import type { State } from './state.ts';
import { lackingOf } from './view.ts';

export const lookAt = (state: State): Look => ({
  glance: (name) => state.jobs.get(name),
  childrenOf: (name) => state.graph.childrenOf(name),
  parentsOf: (name) => state.graph.parentsOf(name),
  ranked: (order, descending) => rankedJobs(state, order, descending),
  lacking: (name) => lackingOf(state, state.entry(name)),
});

/** Names of jobs behind `after`, or all, in ascending code-unit order. */
export function* namesAfter(state: State, after: string | null): Iterable<string> {
  const names = state.sortedNames();
  let low = 0;
  let high = after === null ? 0 : names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] as string) <= (after as string)) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < names.length; at++) yield names[at] as string;
}
