/** Removed jobs whose past is kept: the newest, for some time. All of them would fill the servers. */

/** Users look at recently removed jobs, or restore them. */
const KEEP_MS = 30 * 86_400_000;
const MAX_REMOVED = 1_000;

export type Removed = readonly (readonly [job: string, at: number])[];

export interface Outdated {
  readonly kept: Removed;
  /** Jobs whose past is to be removed. */
  readonly forgotten: readonly string[];
}

/** `jobs` were removed (null) or created since. */
export function outdate(removed: Removed, jobs: ReadonlyMap<string, object | null>, now: number): Outdated {
  const gone = [...jobs].flatMap(([job, definition]) => (definition === null ? [[job, now] as const] : []));
  const all = [...removed.filter(([job]) => !jobs.has(job)), ...gone];
  const kept = all.filter(([, at]) => at > now - KEEP_MS).slice(-MAX_REMOVED);
  const names = new Set(kept.map(([job]) => job));
  return { kept, forgotten: all.filter(([job]) => !names.has(job)).map(([job]) => job) };
}
