import { describe, expect, it } from 'vitest';
import * as lines from '../../src/dag/export.ts';

const toDot = (graph: lines.GraphText): string => [...lines.toDot(graph)].join('');
const toCsv = (graph: lines.GraphText): string => [...lines.toCsv(graph)].join('');

const graph = {
  nodes: [
    { name: 'load', label: 'say "hi"\nC:\\new', state: '2 running' },
    { name: 'extract', state: 'idle', last: 'success' },
  ],
  edges: [
    { from: 'load', to: 'report' },
    { from: 'extract', to: 'load' },
  ],
};

describe('toDot', () => {
  it('quotes everything and sorts nodes and edges', () => {
    expect(toDot(graph)).toBe(
      [
        'digraph G {',
        '  "extract" [label="extract", class="idle"];',
        '  "load" [label="say \\"hi\\"\\nC:\\\\new", class="2 running"];',
        '  "extract" -> "load";',
        '  "load" -> "report";',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('does not depend on the order of nodes and edges', () => {
    const reversed = { nodes: graph.nodes.toReversed(), edges: graph.edges.toReversed() };
    expect(toDot(reversed)).toBe(toDot(graph));
    expect(toCsv(reversed)).toBe(toCsv(graph));
  });
});

describe('toCsv', () => {
  it('has a line for each node and each link, and no header', () => {
    expect(toCsv(graph)).toBe(
      'node,extract,success,idle\nnode,load,,2 running\nlink,extract,load\nlink,load,report\n',
    );
    expect(toCsv({ nodes: [], edges: [] })).toBe('');
  });

  it('quotes what would break a line', () => {
    expect(toCsv({ nodes: [{ name: 'a,b', state: 'say "x"' }], edges: [] })).toBe(
      'node,"a,b",,"say ""x"""\n',
    );
  });
});
