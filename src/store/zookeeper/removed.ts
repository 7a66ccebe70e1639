/** Whose past is kept after their job was removed: the newest, for a while. Others would fill the servers. */

/** People look at what was removed lately, or restore it. */
const KEEP_MS = 30 * 86_400_000;
const MAX_REMOVED = 1_000;

export type Removed = readonly (readonly [job: string, at: number])[];

export interface Outdated {
  readonly kept: Removed;
  /** Their past is to go. */
  readonly forgotten: readonly string[];
}

/** `jobs` are those that were removed (null) or made since. */
export function outdate(removed: Removed, jobs: ReadonlyMap<string, object | null>, now: number): Outdated {
  const gone = [...jobs].flatMap(([job, definition]) => (definition === null ? [[job, now] as const] : []));
  const all = [...removed.filter(([job]) => !jobs.has(job)), ...gone];
  const kept = all.filter(([, at]) => at > now - KEEP_MS).slice(-MAX_REMOVED);
  const names = new Set(kept.map(([job]) => job));
  return { kept, forgotten: all.filter(([job]) => !names.has(job)).map(([job]) => job) };
}
