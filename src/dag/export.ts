/**
 * The graph as text for other tools: DOT for Graphviz, and CSV in the lines Chronos' own export has
 * (`node,name,last outcome,state` and `link,parent,child`).
 *
 * Promises text that only depends on the nodes and edges, not on their order, and that any name or label
 * survives: DOT quotes everything, CSV quotes what needs it (job names never do).
 */
import { byName } from './graph.ts';

export interface GraphNode {
  readonly name: string;
  /** What to show instead of the name. */
  readonly label?: string;
  /** What the job does now: `idle`, `queued`, `2 running`. */
  readonly state?: string;
  /** How it ended last: `success`, `failure`, `fresh`. CSV only. */
  readonly last?: string;
}

export interface GraphText {
  readonly nodes: readonly GraphNode[];
  /** From parent to child. */
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

export function toDot(graph: GraphText): string {
  const nodes = sortedNodes(graph).map((node) => {
    const label = quoteDot(node.label ?? node.name);
    const state = node.state === undefined ? '' : `, class=${quoteDot(node.state)}`;
    return `  ${quoteDot(node.name)} [label=${label}${state}];`;
  });
  const edges = sortedEdges(graph).map(({ from, to }) => `  ${quoteDot(from)} -> ${quoteDot(to)};`);
  return `${['digraph G {', ...nodes, ...edges, '}'].join('\n')}\n`;
}

/** No header; an empty graph is an empty text. */
export function toCsv(graph: GraphText): string {
  const rows = [
    ...sortedNodes(graph).map((node) => ['node', node.name, node.last ?? '', node.state ?? '']),
    ...sortedEdges(graph).map(({ from, to }) => ['link', from, to]),
  ];
  return rows.map((row) => `${row.map(quoteCsv).join(',')}\n`).join('');
}

function sortedNodes(graph: GraphText): GraphNode[] {
  return [...graph.nodes].sort((a, b) => byName(a.name, b.name));
}

function sortedEdges(graph: GraphText): { from: string; to: string }[] {
  return [...graph.edges].sort((a, b) => byName(a.from, b.from) || byName(a.to, b.to));
}

/** In DOT only `"` ends a string, but a backslash starts an escape in labels (`\N` is the node's name). */
function quoteDot(text: string): string {
  return `"${text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/\r\n|\r|\n/g, '\\n')}"`;
}

function quoteCsv(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
