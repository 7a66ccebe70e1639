/**
 * Keys of rounds. A key is stored as a text, and only this file writes and reads it. It says which kind of
 * round it is of, and tells the rounds of one kind apart.
 */

/**
 * `loose`: since the child's last round; one is open at a time. `reruns`: reruns of dropped loose rounds, which
 * wait for each other. `start`: one manual start, from which all parents descend, or which opened the round
 * itself. `interval`: the parents' runs over an interval. `due`: one due time, with the variant of a start.
 */
export type RoundKind = 'loose' | 'reruns' | 'start' | 'interval' | 'due';

export interface DueAndVariant {
  readonly due: number;
  readonly variant: string;
}

export const looseKey = 'loose';
export const rerunsKey = 'reruns';

export const startKey = ({ due, variant }: DueAndVariant): string => `start:${due}:${variant}`;

export const intervalKey = (interval: string): string => `per:${interval}`;

export const dueKey = ({ due, variant }: DueAndVariant): string =>
  variant === '' ? `due:${due}` : `due:${due}:${variant}`;

const kinds: ReadonlyMap<string, RoundKind> = new Map([
  [looseKey, 'loose'],
  [rerunsKey, 'reruns'],
  ['start', 'start'],
  ['per', 'interval'],
  ['due', 'due'],
]);

/** Null for a kind that this release does not know. */
export const kindOf = (key: string): RoundKind | null => kinds.get(key.split(':', 1)[0] as string) ?? null;

/** Whether the key identifies a single round. All loose rounds share one, and so do those of reruns. */
export function isSingle(key: string): boolean {
  const kind = kindOf(key);
  return kind !== 'loose' && kind !== 'reruns';
}
