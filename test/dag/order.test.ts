import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/dag/graph.ts';
import { topologicalLevels, treeOrder } from '../../src/dag/order.ts';
import { criticalPath } from '../../src/dag/path.ts';
import { InvariantError } from '../../src/errors.ts';
import { inOneGo } from '../../src/job-file/json-text.ts';

function graphOf(edges: Record<string, string[]>): Graph {
  const graph = new Graph();
  for (const [child, parents] of Object.entries(edges)) graph.setParents(child, parents);
  return graph;
}

const etl = graphOf({ load: ['extract-b', 'extract-a'], report: ['load', 'extract-a'], mail: ['report'] });

describe('treeOrder', () => {
  const placed = (graph: Graph, names: Iterable<string>): string[] =>
    inOneGo(treeOrder(graph, names)).map(({ name, level }) => `${'  '.repeat(level)}${name}`);

  it('keeps together what depends on each other, each job behind the last of its parents', () => {
    const two = graphOf({ clean: ['load'], zip: ['load'], mail: ['zip', 'clean'], 'a-sum': ['orders'] });
    expect(placed(two, [...two.linked(), 'alone'])).toEqual([
      'alone',
      'load',
      '  clean',
      '  zip',
      '    mail',
      'orders',
      '  a-sum',
    ]);
  });

  it('counts only edges among the names', () => {
    expect(placed(etl, ['report', 'mail', 'extract-a'])).toEqual(['extract-a', '  report', '    mail']);
  });

  it('stops at a cycle, which the graph never has', () => {
    const broken = graphOf({ a: ['b'], b: ['a'] });
    expect(() => inOneGo(treeOrder(broken, ['a', 'b']))).toThrow(InvariantError);
  });
});

describe('topologicalLevels', () => {
  it('puts a job one level below its lowest parent, sorted within a level', () => {
    expect(inOneGo(topologicalLevels(etl, etl.linked()))).toEqual([
      ['extract-a', 'extract-b'],
      ['load'],
      ['report'],
      ['mail'],
    ]);
  });

  it('counts only edges among the names, and takes names without edges', () => {
    expect(inOneGo(topologicalLevels(etl, ['mail', 'report', 'alone']))).toEqual([
      ['alone', 'report'],
      ['mail'],
    ]);
    expect(inOneGo(topologicalLevels(etl, ['report', 'load', 'report']))).toEqual([['load'], ['report']]);
    expect(inOneGo(topologicalLevels(etl, []))).toEqual([]);
  });

  it('stops at a cycle, which the graph never has', () => {
    const broken = graphOf({ a: ['b'], b: ['a'] });
    expect(() => inOneGo(topologicalLevels(broken, ['a', 'b']))).toThrow(InvariantError);
  });
});

describe('criticalPath', () => {
  const durations = new Map([
    ['extract-a', 5],
    ['extract-b', 20],
    ['load', 3],
    ['report', 1],
    ['mail', 2],
  ]);
  const durationMs = (name: string) => durations.get(name) ?? 0;

  it('is the chain that takes longest', () => {
    expect(inOneGo(criticalPath(etl, undefined, durationMs))).toEqual({
      path: ['extract-b', 'load', 'report', 'mail'],
      totalMs: 26,
    });
    expect(inOneGo(criticalPath(etl, 'load', durationMs))).toEqual({
      path: ['extract-b', 'load'],
      totalMs: 23,
    });
  });

  it('lets names decide between equal chains', () => {
    expect(inOneGo(criticalPath(etl, 'load', () => 1))).toEqual({ path: ['extract-a', 'load'], totalMs: 2 });
  });

  it('is the job alone where nothing is above it, and nothing in an empty graph', () => {
    expect(inOneGo(criticalPath(etl, 'alone', () => 7))).toEqual({ path: ['alone'], totalMs: 7 });
    expect(inOneGo(criticalPath(new Graph(), undefined, () => 7))).toEqual({ path: [], totalMs: 0 });
  });
});
