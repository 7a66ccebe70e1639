import { describe, expect, test } from 'vitest';
import { check } from './checker.ts';
import { type Draft, flawless, historyOf, sec } from './made-up.ts';
import { picture } from './picture.ts';
import { summarise, summaryText } from './summary.ts';

/** The leader dies at 10 s; two launches come late in its wake, one of them a second time. */
function eventful(): Draft {
  const draft = flawless();
  draft.faults.push({ kind: 'kill', on: 'scheduler', target: 's1', from: sec(9), to: sec(14), led: true });
  const moved = (second: number) => (line: Draft['lines'][number]) =>
    line.due === sec(second) && line.job !== 'manual' ? { ...line, at: line.at + 3_000 } : line;
  draft.lines = draft.lines.map(moved(10)).map(moved(12));
  draft.lines.push({ ...draft.lines[0]!, at: sec(15) });
  return draft;
}

describe('the report', () => {
  const history = historyOf(eventful());
  const violations = check(history);
  const summary = summarise(history, violations);

  test('counts what happened', () => {
    expect(summary).toMatchObject({
      faults: { 'kill scheduler that leads': 1 },
      launches: 42,
      instants: 20,
      ended: { succeeded: 41 },
      ledger: { ran: 40 },
      triggers: { asked: 1, acknowledged: 1 },
      violations: 1,
    });
    expect(summary.quietLateness).toEqual({ count: 16, p50: 50, p99: 50, max: 50 });
    // 8.5 s, the last before the leader died, to 13.05 s.
    expect(summary.longestGap).toEqual({ kill: 4_550 });
    // 12 to 15.05 s, of the rest of a take-over (6 s from 9 s on), its backlog (1.2 s) and the slack (1 s).
    expect(summary.windowUsed).toBeCloseTo(3.05 / 5.2, 2);
  });

  test('counts what was due while the leader was away, of jobs on any node', () => {
    const draft = eventful();
    draft.jobs = draft.jobs.map((job) => (job.name === 'tick' ? { ...job, on: 'any' } : job));
    const [lost, gone] = [10, 14].map((second) =>
      draft.runs.findIndex(({ job, due }) => job === 'tick' && due === sec(second)),
    ) as [number, number];
    const run = draft.runs[lost]!;
    const first = { ...run.attempts[0]!, exitCode: null };
    draft.runs[lost] = { ...run, attempts: [first, { ...run.attempts[0]!, number: 2 }] };
    draft.runs.splice(gone, 1);
    const history = historyOf(draft);
    // 10 s, of which the first attempt died, 12 s, which was late, and 14 s, which nobody ran.
    expect(summarise(history, check(history)).whileAway).toEqual({
      targets: 3,
      missed: 1,
      repeated: 1,
      lateness: { p50: 3_050, p99: 3_050, max: 3_050 },
    });
  });

  test('tells violations with what was seen', () => {
    expect(summaryText(summary, violations)).toContain(
      'VIOLATION     duplicate-launch: tick due 2026-11-21T12:00:00.000Z',
    );
  });

  test('draws every member, job, fault and violation', () => {
    const svg = picture(history, violations);
    for (const lane of ['s1', 's2', 's3', 'zk1', 'zk2', 'zk3', 'tick', 'child', 'manual'])
      expect(svg).toContain(`>${lane}</text>`);
    expect(svg).toContain('kill s1 (leading) 2026-11-21T12:00:09.000Z for 5000 ms');
    expect(svg.match(/<circle /g)).toHaveLength(violations.length);
    expect(svg).not.toContain('NaN');
  });
});
