/** Finds the position of a field in a text of jobs, for messages; only used if there is a problem. */

import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';

/** Line and column of a field of the job that starts at a line. Null if the text has no such job. */
export type FindField = (line: number, field: string) => { line: number; column: number } | null;

/** For one text, which is parsed on first use. JSON is treated as YAML. */
export function findFields(text: string): FindField {
  let read: { readonly roots: readonly Node[]; readonly lines: LineCounter } | null = null;
  return (line, field) => {
    read ??= readAgain(text);
    const { roots, lines } = read;
    const job = roots.find((root) => lines.linePos(root.range?.[0] ?? 0).line === line);
    const at = job === undefined ? undefined : placeIn(job, field);
    if (at === undefined) return null;
    const { line: found, col } = lines.linePos(at);
    return { line: found, column: col };
  };
}

function readAgain(text: string): { roots: Node[]; lines: LineCounter } {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, uniqueKeys: false });
  const roots = [...documents].flatMap(({ contents }): Node[] => {
    if (isSeq(contents)) return contents.items as Node[];
    const listed = isMap(contents) ? contents.get('jobs', true) : null;
    if (isSeq(listed)) return listed.items as Node[];
    return contents === null ? [] : [contents as Node];
  });
  return { roots, lines };
}

/** The position of the deepest existing part of the field: a missing field is reported at its parent. */
function placeIn(job: Node, field: string): number | undefined {
  let node: unknown = job;
  let at = job.range?.[0];
  let rest = field;
  while (rest !== '') {
    const step: Step | null = isMap(node)
      ? inMap(node.items, rest)
      : isSeq(node)
        ? inList(node.items, rest)
        : null;
    if (step === null) return at;
    ({ node, rest } = step);
    at = step.at ?? at;
  }
  return at;
}

interface Step {
  readonly node: unknown;
  readonly rest: string;
  readonly at: number | undefined;
}

/** Names may contain dots, so the longest match is used. */
function inMap(items: readonly { key: unknown; value: unknown }[], path: string): Step | null {
  let best: Step | null = null;
  for (const { key, value } of items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const rest = restBehind(path, name);
    if (rest === null || (best !== null && rest.length >= best.rest.length)) continue;
    best = { node: value, rest, at: key.range?.[0] };
  }
  return best;
}

/** `parents[2]` or `argv.0`. */
function inList(items: readonly unknown[], path: string): Step | null {
  const match = /^\[?(\d+)\]?\.?/.exec(path);
  const item = match === null ? undefined : (items[Number(match[1])] as Node | undefined);
  if (match === null || item === undefined) return null;
  return { node: item, rest: path.slice(match[0].length), at: item.range?.[0] };
}

function restBehind(path: string, name: string): string | null {
  if (path === name) return '';
  if (path.startsWith(`${name}.`)) return path.slice(name.length + 1);
  return path.startsWith(`${name}[`) ? path.slice(name.length) : null;
}
