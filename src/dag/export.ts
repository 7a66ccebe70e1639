/**
 * The graph as text for other tools: DOT for Graphviz, and CSV with the lines of Chronos' export
 * (`node,name,last outcome,state` and `link,parent,child`).
 *
 * The text depends only on the nodes and edges, not on their order. All names and labels are safe: DOT quotes
 * everything, CSV quotes what needs it (job names never do).
 */
import { byName } from './graph.ts';

export interface GraphNode {
  readonly name: string;
  /** Shown instead of the name. */
  readonly label?: string;
  /** Current state: `idle`, `queued`, `2 running`. */
  readonly state?: string;
  /** How its last run ended: `success`, `failure`, `fresh`. CSV only. */
  readonly last?: string;
}

export interface GraphText {
  readonly nodes: readonly GraphNode[];
  /** From parent to child. */
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** Line by line, because a text of megabytes is sent while it is produced. */
export function* toDot(graph: GraphText): Generator<string> {
  yield 'digraph G {\n';
  for (const node of sortedNodes(graph)) {
    const label = quoteDot(node.label ?? node.name);
    const state = node.state === undefined ? '' : `, class=${quoteDot(node.state)}`;
    yield `  ${quoteDot(node.name)} [label=${label}${state}];\n`;
  }
  for (const { from, to } of sortedEdges(graph)) yield `  ${quoteDot(from)} -> ${quoteDot(to)};\n`;
  yield '}\n';
}

/** Line by line, without a header. An empty graph is an empty text. */
export function* toCsv(graph: GraphText): Generator<string> {
  const line = (...cells: string[]): string => `${cells.map(quoteCsv).join(',')}\n`;
  for (const node of sortedNodes(graph)) yield line('node', node.name, node.last ?? '', node.state ?? '');
  for (const { from, to } of sortedEdges(graph)) yield line('link', from, to);
}

function sortedNodes(graph: GraphText): GraphNode[] {
  return [...graph.nodes].sort((a, b) => byName(a.name, b.name));
}

/** Sorts one parent at a time: tens of thousands at once take too long for one step. */
function* sortedEdges(graph: GraphText): Generator<{ from: string; to: string }> {
  const children = new Map<string, string[]>();
  for (const { from, to } of graph.edges) {
    const known = children.get(from);
    if (known === undefined) children.set(from, [to]);
    else known.push(to);
  }
  for (const from of [...children.keys()].sort(byName))
    for (const to of (children.get(from) ?? []).sort(byName)) yield { from, to };
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
