import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/dag/graph.ts';

function diamond(): Graph {
  const graph = new Graph();
  graph.setParents('d', ['c', 'b']);
  graph.setParents('c', ['a']);
  graph.setParents('b', ['a']);
  return graph;
}

describe('Graph', () => {
  it('keeps parents as they were set, each once, and sorts children', () => {
    const graph = diamond();
    graph.setParents('d', ['c', 'b', 'c']);
    expect(graph.parentsOf('d')).toEqual(['c', 'b']);
    expect(graph.childrenOf('a')).toEqual(['b', 'c']);
    graph.setParents('aa', ['a']);
    expect(graph.childrenOf('a')).toEqual(['aa', 'b', 'c']);
  });

  it('replaces parents and forgets jobs without edges', () => {
    const graph = diamond();
    expect(graph.childrenOf('c')).toEqual(['d']);
    graph.setParents('d', ['b']);
    expect(graph.childrenOf('c')).toEqual([]);
    graph.setParents('c', []);
    expect([...graph.linked()].sort()).toEqual(['a', 'b', 'd']);
    graph.setParents('alone', []);
    expect([...graph.linked()]).not.toContain('alone');
  });

  it('removes a job with its edges in both directions', () => {
    const graph = diamond();
    graph.remove('b');
    expect(graph.parentsOf('d')).toEqual(['c']);
    expect(graph.childrenOf('a')).toEqual(['c']);
    graph.remove('unknown');
    graph.remove('c');
    expect([...graph.linked()]).toEqual([]);
  });

  it('finds everything above and below, nearest first and each once', () => {
    const graph = diamond();
    graph.setParents('e', ['d']);
    expect(graph.ancestors('e')).toEqual(['d', 'c', 'b', 'a']);
    expect(graph.descendants('a')).toEqual(['b', 'c', 'd', 'e']);
    expect(graph.ancestors('a')).toEqual([]);
    expect(graph.descendants('unknown')).toEqual([]);
  });

  it('is not confused by names that objects have', () => {
    const graph = new Graph();
    graph.setParents('__proto__', ['constructor']);
    expect(graph.childrenOf('constructor')).toEqual(['__proto__']);
    expect(graph.parentsOf('toString')).toEqual([]);
  });
});
