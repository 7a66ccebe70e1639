/**
 * Measures the layout of the graph, as the page's worker computes it, compared with parsing the same graph from JSON,
 * which is the least that the page must do. The graphs resemble pipelines: layers of jobs, most edges from the layer
 * before, some over several layers, and a few hubs. They have many separate parts, or only one.
 */

import type { Edges } from '../web/src/graph/layout/adjacency.ts';
import { layOut } from '../web/src/graph/layout/layout.ts';

const ROUNDS = 5;
const LAYERS = 12;

interface Case {
  readonly jobs: number;
  readonly edges: number;
  readonly parts: number;
}

const cases: readonly Case[] = [
  { jobs: 200, edges: 400, parts: 4 },
  { jobs: 2_000, edges: 4_000, parts: 40 },
  { jobs: 10_000, edges: 20_000, parts: 100 },
  { jobs: 10_000, edges: 20_000, parts: 1 },
];

/** Name and medians of each case. */
export function layoutFigures(): [string, string][] {
  return cases.map((each) => {
    const edges = pipelines(each);
    const answer = JSON.stringify({ from: [...edges.from], to: [...edges.to], nodes: names(each.jobs) });
    const ours = medianMs(() => layOut(each.jobs, edges));
    const read = medianMs(() => JSON.parse(answer));
    const parts = each.parts === 1 ? 'one part' : `${each.parts} parts`;
    return [
      `${each.jobs} jobs, ${edges.from.length} edges, ${parts}`,
      `${ours.toFixed(1)} ms; reading it as JSON ${read.toFixed(1)} ms`,
    ];
  });
}

function medianMs(work: () => unknown): number {
  const took = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  return took.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

const names = (jobs: number) =>
  Array.from({ length: jobs }, (_, n) => ({ name: `job-${n}`, status: 'active', running: 0, waiting: 0 }));

/** Jobs are numbered by part, and within a part by layer. */
function pipelines({ jobs, edges, parts }: Case): Edges {
  const random = seeded(1);
  const size = Math.floor(jobs / parts);
  const wide = Math.max(1, Math.floor(size / LAYERS));
  const seen = new Set<number>();
  const add = (from: number, to: number) => seen.size < edges && seen.add(from * jobs + to);
  // One parent for each job, so that each part is connected. The other edges follow.
  for (let round = 0; seen.size < edges && round < 20; round += 1) {
    for (let job = 0; job < jobs; job += 1) {
      const part = Math.floor(job / size) * size;
      const at = job - part;
      if (at < wide) continue;
      const back = random() < 0.15 ? 1 + Math.floor(random() * 3) : 1;
      const near = at - back * wide + Math.round((random() - 0.5) * wide * 0.15);
      const hub = random() < 0.1 ? Math.floor(random() * 3) : near;
      const parent = round === 0 ? at - wide : hub;
      if (parent >= 0 && parent < at && Math.floor(parent / wide) < Math.floor(at / wide))
        add(part + parent, job);
    }
  }
  const pairs = [...seen];
  return {
    from: Int32Array.from(pairs, (pair) => Math.floor(pair / jobs)),
    to: Int32Array.from(pairs, (pair) => pair % jobs),
  };
}

/** The same graph in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
