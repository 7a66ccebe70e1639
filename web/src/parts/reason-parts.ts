/**
 * Splits the server's reasons where they name a run or a time. Run ids are long and in UTC; people identify a
 * run by its due time in their own zone. Pure.
 */

export type ReasonPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'run'; readonly id: string; readonly job: string; readonly due: string }
  | { readonly kind: 'instant'; readonly at: string };

/**
 * Matches `sales.20261121T020000Z-m4f1` or `2026-11-21T02:00:00.000Z`. A run id ends with a character that no
 * sentence ends with.
 */
const named =
  /(?<job>[\w.-]{1,128})\.(?<date>\d{8})T(?<time>\d{6})(?<millis>\d{3})?Z(?:-[\w-]*\w)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z/g;

export function reasonParts(reason: string): ReasonPart[] {
  const parts: ReasonPart[] = [];
  let from = 0;
  for (const match of reason.matchAll(named)) {
    if (match.index > from) parts.push({ kind: 'text', text: reason.slice(from, match.index) });
    parts.push(partOf(match));
    from = match.index + match[0].length;
  }
  if (from < reason.length) parts.push({ kind: 'text', text: reason.slice(from) });
  return parts;
}

function partOf({ 0: text, groups }: RegExpMatchArray): ReasonPart {
  const { job, date = '', time = '', millis = '000' } = groups ?? {};
  if (job === undefined) return { kind: 'instant', at: text };
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  const clock = `${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4)}`;
  return { kind: 'run', id: text, job, due: `${day}T${clock}.${millis}Z` };
}
