import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Graph } from '../../../src/dag/graph.ts';
import { inOneGo } from '../../../src/job-file/json-text.ts';
import type { JobGlance } from '../../../src/scheduler/handle.ts';
import { Outlook } from '../../../src/scheduler/read/outlook.ts';
import { fold } from '../../../src/scheduler/stats/stats.ts';

const taking = (ms: number): JobGlance =>
  ({ stats: fold(null, 'j', { runTime: ms }, Date.parse('2026-11-21T02:00:00Z')) }) as unknown as JobGlance;

test('the forecast for all downstream jobs is the longest way down', () => {
  const edges = fc.uniqueArray(
    fc.tuple(fc.nat(8), fc.nat(8)).filter(([a, b]) => a < b),
    { selector: String, maxLength: 25 },
  );
  const durations = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(edges, durations, (links, took) => {
      const graph = new Graph();
      for (let child = 0; child < 9; child++) {
        const parents = links.filter(([, to]) => to === child).map(([from]) => `j${from}`);
        graph.setParents(`j${child}`, parents);
      }
      const glance = (name: string) => taking(took[Number(name.slice(1))] ?? 0);
      const outlook = new Outlook({ glance, childrenOf: (name) => graph.childrenOf(name) });
      // Every way down, one by one.
      const longest = (from: number): number =>
        Math.max(
          0,
          ...links.filter(([parent]) => parent === from).map(([, to]) => (took[to] ?? 0) + longest(to)),
        );
      for (let n = 0; n < 9; n++) {
        expect(inOneGo(outlook.below(`j${n}`)).p50).toBe(longest(n));
        expect(inOneGo(outlook.dependents(`j${n}`))).toBe(graph.descendants(`j${n}`).length);
      }
    }),
  );
});

test('a job with more children than a call has arguments has a forecast, in a step for each', () => {
  const count = 200_000;
  const children = Array.from({ length: count }, (_, n) => `j${n}`);
  const job = taking(7);
  const outlook = new Outlook({ glance: () => job, childrenOf: (name) => (name === 'top' ? children : []) });
  let steps = 0;
  const below = outlook.below('top');
  while (below.next().done !== true) steps++;
  expect(steps).toBeGreaterThanOrEqual(count);
  expect(inOneGo(outlook.below('top')).p50).toBe(7);
});
