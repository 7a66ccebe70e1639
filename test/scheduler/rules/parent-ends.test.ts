/** What a child does for each way in which its parent can end. */

import { describe, expect, test } from 'vitest';
import { Rig } from '../../support/rig.ts';

type End = 'succeeded' | 'failed' | 'killed' | 'timed-out' | 'lost' | 'skipped' | 'missed';

/** The parent's run of 01:00 ends so; the child waits for `when`. */
function ended(end: End, when: string): Rig {
  const rig = new Rig('2026-01-01T00:30:00Z');
  const schedule = { cron: '0 1 1 1 *' };
  const policy = {
    ...(end === 'timed-out' && { timeout: 'PT1M' }),
    ...(end === 'skipped' && { overlap: 'skip' }),
    ...(end === 'missed' && { startWithin: 'PT1M', overlap: 'queue' }),
  };
  rig.put({ name: 'a', schedule, policy }, { name: 'c', schedule: { after: { parents: ['a'], when } } });
  if (end === 'skipped' || end === 'missed') {
    rig.trigger('a');
    rig.begin('a');
  }
  rig.advance('2026-01-01T01:00:00Z');
  if (end === 'succeeded') rig.end('a', 0);
  else if (end === 'failed') rig.end('a', 1);
  else if (end === 'lost') rig.end('a', null);
  else if (end === 'killed') {
    rig.begin('a');
    rig.submit({ kind: 'kill', runId: rig.runOf('a').id, by: 'ann' });
    rig.end('a', 143);
  } else if (end === 'timed-out') {
    rig.begin('a');
    rig.advance(61_000);
    rig.end('a', 143);
  } else if (end === 'missed') rig.advance(61_000);
  return rig;
}

const due = Date.parse('2026-01-01T01:00:00Z');

describe.each<[End, string[], string[]]>([
  ['succeeded', ['all-succeeded', 'all-done', 'any-succeeded'], ['all-failed', 'any-failed']],
  ['failed', ['all-done', 'all-failed', 'any-failed'], ['all-succeeded', 'any-succeeded']],
  ['killed', ['all-done', 'all-failed', 'any-failed'], ['all-succeeded', 'any-succeeded']],
  ['timed-out', ['all-done', 'all-failed', 'any-failed'], ['all-succeeded', 'any-succeeded']],
  ['lost', ['all-done', 'all-failed', 'any-failed'], ['all-succeeded', 'any-succeeded']],
  ['skipped', ['all-done'], ['all-succeeded', 'any-succeeded', 'all-failed', 'any-failed']],
  ['missed', ['all-done'], ['all-succeeded', 'any-succeeded', 'all-failed', 'any-failed']],
])('a parent that is %s', (end, run, skipped) => {
  test.each(run)('runs a child that waits for %s', (when) => {
    const rig = ended(end, when);
    expect(
      rig.history.filter((each) => each.job === 'a' && each.due === due).map(({ state }) => state),
    ).toEqual([end]);
    expect([...rig.state.runs.values()].filter(({ job }) => job === 'c').map((each) => each.due)).toEqual([
      due,
    ]);
  });

  test.each(skipped)('runs no child that waits for %s', (when) => {
    const rig = ended(end, when);
    expect([...rig.state.runs.values()].filter(({ job }) => job === 'c')).toEqual([]);
    expect(rig.history.filter(({ job }) => job === 'c').map(({ state }) => state)).toEqual(['skipped']);
  });
});
