/** The catalogue of reasons: the text of each code, and what it refers to. */

import { describe, expect, test } from 'vitest';
import {
  idOf,
  isSame,
  partsOf,
  type Reason,
  type ReasonCode,
  refsOf,
  refTo,
  textOf,
} from '../../../src/scheduler/model/reason.ts';

const due = Date.UTC(2026, 10, 21, 2);
const run = { job: 'a', due };
const id = 'a.20261121T020000Z';
const exit = { code: 'exit-code', exitCode: 3 } as const;

type Row = readonly [reason: Reason, text: string, refs?: readonly string[]];
const rows: { readonly [C in ReasonCode]: readonly Row[] } = {
  'waits-for-runs': [
    [{ code: 'waits-for-runs', runs: [run], more: 0 }, `waits for ${id} to end`, [id]],
    [
      { code: 'waits-for-runs', runs: [run, { ...run, variant: 'm1' }], more: 2 },
      `waits for ${id}, ${id}-m1 and 2 more to end`,
      [id, `${id}-m1`],
    ],
  ],
  'overlap-unfinished': [
    [{ code: 'overlap-unfinished', run, state: 'running' }, `overlap: ${id} is still running`, [id]],
  ],
  'overlap-waiting': [[{ code: 'overlap-waiting', run }, `overlap: ${id} is already waiting`, [id]]],
  'overlap-limit': [
    [{ code: 'overlap-limit', limit: 9 }, 'overlap: 9 runs are already waiting, which is the maximum'],
  ],
  'limit-reached': [
    [
      { code: 'limit-reached', limit: 'pool', name: 'etl', places: 4 },
      'pool etl: all 4 slots are in use',
      ['pool etl'],
    ],
    [
      { code: 'limit-reached', limit: 'job', name: 'a', places: 1 },
      'job a: its only slot is in use',
      ['job a'],
    ],
  ],
  'job-paused': [
    [{ code: 'job-paused' }, 'the job is paused'],
    [{ code: 'job-paused', by: 'ann' }, 'paused by ann', ['user ann']],
    [
      { code: 'job-paused', by: 'ann', until: due },
      'paused by ann until 2026-11-21T02:00:00.000Z',
      ['user ann'],
    ],
  ],
  'job-disabled': [
    [
      { code: 'job-disabled', because: { code: 'failures-in-a-row', failures: 3 } },
      'the job is disabled: 3 consecutive failed runs',
    ],
  ],
  'job-held': [[{ code: 'job-held', text: 'held: no address' }, 'held: no address']],
  'awaits-report': [[{ code: 'awaits-report' }, 'waits for a report of those who run it']],
  'not-reported': [[{ code: 'not-reported' }, 'no run was reported in time']],
  'end-not-reported': [
    [{ code: 'end-not-reported' }, 'its end was not reported, and too many later runs are unfinished'],
  ],
  'runs-elsewhere': [[{ code: 'runs-elsewhere' }, 'the job was changed: who runs it is no longer the same']],
  'job-deleted': [[{ code: 'job-deleted' }, 'the job was deleted']],
  'cannot-render': [[{ code: 'cannot-render', field: 'run.image', text: 'unknown' }, 'unknown']],
  'condition-false': [
    [{ code: 'condition-false', condition: '{{ params.full }}' }, 'runIf is false: {{ params.full }}'],
  ],
  'skip-exit-code': [
    [{ code: 'skip-exit-code', exitCode: 99 }, 'exit code 99 is one of policy.skipExitCodes'],
  ],
  'total-timeout': [
    [
      { code: 'total-timeout', timeout: 'PT6H' },
      'all attempts together took longer than the total timeout of PT6H',
    ],
  ],
  'params-refused': [[{ code: 'params-refused', text: 'params.day is "x"' }, 'params.day is "x"']],
  'failures-in-a-row': [[{ code: 'failures-in-a-row', failures: 3 }, '3 consecutive failed runs']],
  maintenance: [
    [
      { code: 'maintenance', until: due, text: 'new disks' },
      'maintenance until 2026-11-21T02:00:00.000Z: new disks',
    ],
  ],
  blackout: [
    [{ code: 'blackout', calendar: 'freeze', until: due }, 'blackout freeze until 2026-11-21T02:00:00.000Z'],
  ],
  calendar: [
    [{ code: 'calendar', calendar: 'bank-holidays' }, 'bank-holidays'],
    [
      { code: 'calendar', calendar: 'bank-holidays', to: due },
      'bank-holidays, moved to 2026-11-21T02:00:00.000Z',
    ],
  ],
  'taken-out': [
    [{ code: 'taken-out', by: 'ann' }, 'skipped by ann', ['user ann']],
    [{ code: 'taken-out', by: 'ann', text: 'inventory' }, 'skipped by ann: inventory', ['user ann']],
    [{ code: 'taken-out', by: 'ann', to: due }, 'moved to 2026-11-21T02:00:00.000Z by ann', ['user ann']],
  ],
  'schedule-completed': [[{ code: 'schedule-completed' }, 'the schedule has no further due time']],
  'parent-idle': [
    [
      { code: 'parent-idle', job: 'a', status: 'paused', more: 0 },
      'held back by a, which is paused',
      ['job a'],
    ],
    [
      { code: 'parent-idle', job: 'a', status: 'disabled', more: 2 },
      'held back by a, which is disabled, and by 2 more',
      ['job a'],
    ],
  ],
  parents: [
    [
      { code: 'parents', ends: [{ job: 'a', due, variant: '', outcome: 'failed' }], more: 0 },
      `parent a failed (${id})`,
      [id],
    ],
    [
      {
        code: 'parents',
        ends: [
          { job: 'a', due, variant: 'm1', outcome: 'skipped' },
          { job: 'b', due, variant: '', outcome: 'failed', runs: { unmet: 1, ended: 2 } },
        ],
        more: 1,
      },
      `parents a was skipped (${id}-m1), b failed (1 of 2 runs) +1 more`,
      [`${id}-m1`, 'job b'],
    ],
  ],
  'round-given-up': [
    [
      { code: 'round-given-up', jobs: ['a', 'b'], more: 3 },
      'gave up waiting for a, b +3 more: too many later rounds are open',
      ['job a', 'job b'],
    ],
  ],
  'parents-changed': [
    [{ code: 'parents-changed' }, 'its parents changed while it waited for other jobs of its start'],
  ],
  'start-window': [
    [{ code: 'start-window', because: null }, 'the start window had passed'],
    [
      { code: 'start-window', because: { code: 'waits-for-runs', runs: [run], more: 0 } },
      `the start window had passed: waits for ${id} to end`,
      [id],
    ],
  ],
  'catch-up-limit': [[{ code: 'catch-up-limit', limit: 2 }, 'more than 2 runs to catch up']],
  'catch-up-none': [[{ code: 'catch-up-none' }, 'not processed in time, and policy.catchUp is none']],
  'cannot-launch': [[{ code: 'cannot-launch', text: 'no engine' }, 'no engine']],
  preparing: [[{ code: 'preparing', text: 'pulls busybox' }, 'pulls busybox']],
  'policy-refused': [
    [{ code: 'policy-refused', field: 'run.user', rules: ['sales'], text: 'not allowed' }, 'not allowed'],
  ],
  'launch-refused': [[{ code: 'launch-refused', text: 'no image' }, 'no image']],
  'no-capacity': [[{ code: 'no-capacity', text: 'no memory' }, 'no memory']],
  'engine-unavailable': [[{ code: 'engine-unavailable', text: 'it is down' }, 'it is down']],
  'engine-missing': [
    [
      { code: 'engine-missing', engine: 'x' },
      'the engine x, which may have started it, is not configured here',
      ['engine x'],
    ],
  ],
  'exit-code': [[exit, 'exit code 3']],
  'not-executable': [[{ code: 'not-executable', text: 'not found' }, 'not found']],
  'never-started': [
    [{ code: 'never-started', text: 'ended before it was started' }, 'ended before it was started'],
  ],
  'out-of-memory': [[{ code: 'out-of-memory', text: 'out of memory' }, 'out of memory']],
  'killed-from-outside': [[{ code: 'killed-from-outside', text: 'killed by others' }, 'killed by others']],
  'timeout-enforced': [[{ code: 'timeout-enforced', text: 'ended' }, 'ended']],
  'kill-forced': [[{ code: 'kill-forced', text: 'still running' }, 'still running']],
  'supervisor-lost': [
    [{ code: 'supervisor-lost', text: 'its supervisor was killed' }, 'its supervisor was killed'],
  ],
  'machine-restarted': [[{ code: 'machine-restarted', text: 'restarted' }, 'restarted']],
  'launch-removed': [[{ code: 'launch-removed', text: 'removed by others' }, 'removed by others']],
  'node-refused': [[{ code: 'node-refused', node: 'n1', text: 'no image' }, 'no image', ['node n1']]],
  'node-down': [[{ code: 'node-down', node: 'n1', text: 'n1 is down' }, 'n1 is down', ['node n1']]],
  'engine-restarted': [
    [{ code: 'engine-restarted', text: 'restarted' }, 'restarted'],
    [{ code: 'engine-restarted', node: 'n1', text: 'restarted on n1' }, 'restarted on n1', ['node n1']],
  ],
  'engine-report': [[{ code: 'engine-report', text: 'it broke' }, 'it broke']],
  'engine-forgot': [
    [{ code: 'engine-forgot', engine: 'x' }, 'the engine x no longer knows it', ['engine x']],
  ],
  'node-lost': [
    [
      { code: 'node-lost', node: 'n1' },
      'the node n1, the only one that reaches it, does not respond',
      ['node n1'],
    ],
  ],
  'end-unknown': [[{ code: 'end-unknown' }, 'the engine does not know how it ended']],
  'awaits-callback': [
    [{ code: 'awaits-callback' }, 'command exited with 0, waiting for POST /api/v1/runs/{id}/complete'],
  ],
  'reported-failed': [[{ code: 'reported-failed', by: 'ann' }, 'reported as failed by ann', ['user ann']]],
  'marked-succeeded': [[{ code: 'marked-succeeded', by: 'ann' }, 'marked as succeeded by ann', ['user ann']]],
  retry: [
    [
      { code: 'retry', attempt: 1, limit: 2, outcome: 'failed', because: exit, at: due },
      'attempt 1 failed (exit code 3); retry 1 of 2 at 2026-11-21T02:00:00.000Z',
    ],
    [
      { code: 'retry', attempt: 2, limit: 2, outcome: 'lost', because: null, at: due },
      'attempt 2 lost; retry 2 of 2 at 2026-11-21T02:00:00.000Z',
    ],
  ],
  jitter: [[{ code: 'jitter', at: due }, 'spread by schedule.jitter until 2026-11-21T02:00:00.000Z']],
  killed: [[{ code: 'killed', by: 'ann' }, 'killed by ann', ['user ann']]],
  'pipeline-killed': [
    [{ code: 'pipeline-killed', by: 'ann' }, 'killed with its pipeline by ann', ['user ann']],
  ],
  replaced: [[{ code: 'replaced', run }, `replaced by ${id}`, [id]]],
  timeout: [[{ code: 'timeout', timeout: 'PT1M' }, 'ran longer than its timeout of PT1M']],
  restored: [
    [
      { code: 'restored', state: 'queued' },
      'it was queued when the backup was taken, and its state since then is unknown',
    ],
  ],
  'kill-unconfirmed': [
    [
      { code: 'kill-unconfirmed', because: { code: 'killed', by: 'ann' } },
      'killed by ann; the engine did not confirm it',
      ['user ann'],
    ],
  ],
  'not-started': [
    [{ code: 'not-started', launching: true, because: null }, 'has not started: its launch is in progress'],
    [{ code: 'not-started', launching: false, because: null }, 'has not started: it waits for a slot'],
    [
      { code: 'not-started', launching: false, because: { code: 'overlap-waiting', run } },
      `has not started: overlap: ${id} is already waiting`,
      [id],
    ],
  ],
  'not-finished-by': [
    [{ code: 'not-finished-by', time: '02:30', timezone: 'UTC', jobs: [] }, 'should have ended by 02:30 UTC'],
    [
      { code: 'not-finished-by', time: '02:30', timezone: 'UTC', jobs: ['a', 'b'] },
      'should have ended by 02:30 UTC, but a, b have not ended',
      ['job a', 'job b'],
    ],
  ],
  'runs-long': [[{ code: 'runs-long', times: 2 }, 'runs more than 2 times as long as 95 % of its runs']],
  'runs-beyond': [[{ code: 'runs-beyond', within: 'PT1H' }, 'runs longer than PT1H']],
  'deadline-at-risk': [
    [
      { code: 'deadline-at-risk', time: '06:00', timezone: 'Europe/Berlin', expected: due, jobs: [] },
      'is not expected to end before 2026-11-21T02:00:00.000Z, and should by 06:00 Europe/Berlin',
    ],
    [
      { code: 'deadline-at-risk', time: '06:00', timezone: 'UTC', expected: due, jobs: ['a', 'b'] },
      'is not expected to end before 2026-11-21T02:00:00.000Z, and should by 06:00 UTC; it waits for a, b',
      ['job a', 'job b'],
    ],
  ],
  undecided: [[{ code: 'undecided', since: due }, 'a due time of 2026-11-21T02:00:00.000Z is not decided']],
  'queue-growing': [
    [
      { code: 'queue-growing', queued: 90, before: 60, minutes: 10 },
      '90 runs are queued, 30 more than 10 minutes ago',
    ],
  ],
  'store-slow': [
    [
      { code: 'store-slow', slow: 3, commits: 4 },
      '3 of the last 4 commits took longer than a second or failed',
    ],
  ],
  expires: [[{ code: 'expires', at: due }, 'it ends at 2026-11-21T02:00:00.000Z']],
  unled: [
    [
      { code: 'unled', from: due, to: due + 60_000 },
      'no node led from 2026-11-21T02:00:00.000Z to 2026-11-21T02:01:00.000Z',
    ],
  ],
  'pipeline-ended': [
    [{ code: 'pipeline-ended', succeeded: 1, failed: 0, skipped: 0 }, '1 job succeeded'],
    [
      { code: 'pipeline-ended', succeeded: 12, failed: 2, skipped: 1 },
      '12 jobs succeeded, 2 did not, 1 was skipped',
    ],
  ],
  'not-decided': [[{ code: 'not-decided' }, 'no node has decided it yet']],
  text: [[{ code: 'text', text: 'as it was' }, 'as it was']],
};

const refNames = (reason: Reason): string[] =>
  refsOf(reason).map((each) => ('run' in each ? idOf(each.run) : `${each.kind} ${each.name}`));

describe('a reason', () => {
  test.each(
    Object.values(rows)
      .flat()
      .map(([reason, text, refs]) => ({ reason, text, refs })),
  )('$text', ({ reason, text, refs = [] }) => {
    expect(textOf(reason)).toBe(text);
    expect(refNames(reason)).toEqual(refs);
  });

  test('is cut where it names a run or a timestamp, also of the reason behind it', () => {
    const because = { code: 'overlap-waiting', run } as const;
    expect(partsOf({ code: 'not-started', launching: false, because })).toEqual([
      'has not started: overlap: ',
      { run },
      ' is already waiting',
    ]);
    const retry = { code: 'retry', attempt: 1, limit: 2, outcome: 'failed', because: exit, at: due } as const;
    expect(partsOf(retry)).toEqual(['attempt 1 failed (exit code 3); retry 1 of 2 at ', { at: due }]);
  });

  test('of a later release is shown as its text, or as its code', () => {
    expect(textOf({ code: 'moon-phase', text: 'the moon is full' } as never)).toBe('the moon is full');
    expect(textOf({ code: 'moon-phase' } as never)).toBe('moon-phase');
    expect(textOf({ code: 'toString' } as never)).toBe('toString');
  });

  test('is the same as another that says the same', () => {
    expect(isSame(exit, { ...exit })).toBe(true);
    expect(isSame(exit, { ...exit, exitCode: 4 })).toBe(false);
    expect(isSame({ code: 'preparing', text: 'x' }, { code: 'no-capacity', text: 'x' })).toBe(false);
    expect([isSame(null, null), isSame(null, exit), isSame(exit, null)]).toEqual([true, false, false]);
  });

  test('names a run by what its id is made of', () => {
    expect(refTo({ job: 'a', due, variant: '' })).toEqual(run);
    expect(idOf(refTo({ job: 'a', due, variant: 'r1' }))).toBe(`${id}-r1`);
  });
});
