/** Reads over all jobs in a node's memory, made cheap enough to visit every job. */

import type { JobReader } from '../handle.ts';
import type { State } from '../state/state.ts';
import { rankedJobs } from './ranking.ts';
import { lackingOf } from './view.ts';

export const readerOf = (state: State): JobReader => ({
  glance: (name) => state.jobs.get(name),
  childrenOf: (name) => state.graph.childrenOf(name),
  parentsOf: (name) => state.graph.parentsOf(name),
  ranked: (order, descending) => rankedJobs(state, order, descending),
  backfills: () => state.backfills.all().map((each) => ({ ...each, plan: state.backfills.plan(each.id) })),
  lacking: (name) => {
    const entry = state.jobs.get(name);
    return entry === undefined ? [] : lackingOf(state, entry);
  },
});
