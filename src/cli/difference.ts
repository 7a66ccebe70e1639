/** Shows how two definitions differ, field by field, as lines with `-`, `+` and `~`. */

export interface Change {
  /** `policy.retries.limit`. Lists are compared as a whole. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** In field order. An absent value is undefined. */
export function changesBetween(before: unknown, after: unknown, path = ''): Change[] {
  if (!isFields(before) || !isFields(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => changesBetween(before[name], after[name], path ? `${path}.${name}` : name));
}

/** `~ policy.timeout: PT1H → PT2H`. */
export function changeLine({ path, before, after }: Change): string {
  if (before === undefined || before === null) return `+ ${path}: ${shown(after)}`;
  if (after === undefined || after === null) return `- ${path}: ${shown(before)}`;
  return `~ ${path}: ${shown(before)} → ${shown(after)}`;
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One line is enough to see what changed. */
const longest = 160;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value.replaceAll('\n', '\\n') : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
