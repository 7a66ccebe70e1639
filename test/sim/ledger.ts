/** Each due instant of a schedule has exactly one end: a run of its own, or a place in one line of the ledger. */

import { isEnded } from '../../src/scheduler/run-state.ts';
import { nextInstant } from '../../src/scheduler/schedule/next.ts';
import { iso, type JobLife } from './judge.ts';

export function ledgerFaults(life: JobLife): string[] {
  const { schedule, state, begins, setBack } = life;
  const { name } = life.job;
  if (schedule === null || Number.isNaN(begins) || setBack) return [];
  const cursor = state?.cursor ?? begins;
  const own = new Set<number>();
  for (const run of life.runs.values()) {
    if (run.variant !== '' || run.due <= begins) continue;
    own.add(run.due);
    const line = life.lines.get(run.due);
    if (!isEnded(run.state)) continue;
    if (line?.run !== run.id) return [`${name}: the run ${run.id} ended and has no line in the ledger`];
    if ((line.state ?? line.end) !== run.state)
      return [`${name}: the run ${run.id} ended as ${run.state}, its line says ${line.state ?? line.end}`];
  }
  const stretches = [...life.lines.values()]
    .filter((line) => line.from > begins && (line.run === null || line.end === 'caught-up'))
    .sort((a, b) => a.from - b.from);
  let at = 0;
  let covered = 0;
  for (
    let due = nextInstant(schedule, begins);
    due !== null && due <= cursor;
    due = nextInstant(schedule, due)
  ) {
    let line = stretches[at];
    while (line !== undefined && line.to < due) {
      if (line.count !== covered) return [miscounted(name, line, covered)];
      at += 1;
      covered = 0;
      line = stretches[at];
    }
    const inLine = line !== undefined && line.from <= due;
    if (own.has(due)) continue;
    if (!inLine)
      return [`${name}: ${iso(due)} has neither a run nor a line in the ledger (up to ${iso(cursor)})`];
    covered += 1;
  }
  for (const line of stretches.slice(at)) {
    if (line.count !== covered) return [miscounted(name, line, covered)];
    covered = 0;
  }
  return [];
}

function miscounted(
  name: string,
  line: { from: number; to: number; count: number },
  covered: number,
): string {
  return `${name}: the line from ${iso(line.from)} to ${iso(line.to)} counts ${line.count}, it covers ${covered}`;
}
