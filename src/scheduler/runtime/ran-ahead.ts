/** What has run at instants that lie ahead of a clock which was set back: those must not run again. */

import type { Archive } from '../ports.ts';
import type { Entry, State } from '../state.ts';

/** Ledger lines that are looked at for one job; a clock that was further ahead was wrong for long. */
const MAX_PER_JOB = 1_000;

/** By job, due instants after `now` that ran; what was only caught up with may run at its own instant. */
export async function ranAhead(
  state: State,
  archive: Archive,
  now: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const ran = new Map<string, readonly number[]>();
  for (const entry of [...state.jobs.values()]) {
    if (entry.schedule !== null && entry.state.cursor > now)
      ran.set(entry.job.name, await ofJob(entry, archive, now));
  }
  return ran;
}

async function ofJob({ job, state }: Entry, archive: Archive, now: number): Promise<readonly number[]> {
  const period = { fromMs: now, toMs: state.cursor + 1 };
  const lines = await archive.ledger({ job: job.name, ...period, limit: MAX_PER_JOB });
  return lines.filter(({ end }) => end === 'ran').map(({ from }) => from);
}
