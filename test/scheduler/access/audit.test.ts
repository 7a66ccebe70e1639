/** What the audit says of each command, and what it never says. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { Asker, Binding } from '../../../src/scheduler/access/principal.ts';
import { grants, roles } from '../../../src/scheduler/access/principal.ts';
import type { Command } from '../../../src/scheduler/command.ts';
import { decide } from '../../../src/scheduler/decide.ts';
import type { AuditLine } from '../../../src/scheduler/model/token.ts';
import type { WriteGroup } from '../../../src/scheduler/records/table.ts';
import { Rig } from '../../support/rig.ts';

const by = 'ann';
const ann: Asker = {
  principal: { kind: 'person', name: 'Ann', id: 'ann', bindings: [{ role: 'admin' }] },
  from: '10.0.0.7',
  via: 'node-2',
};
const asker = (...bindings: Binding[]): Asker => ({ ...ann, principal: { ...ann.principal, bindings } });
const stranger = asker({ role: 'viewer', jobs: 'a' });
const put = (name: string, more: object = {}): Command => ({
  ...{ kind: 'put-job', definition: { name, run: { command: 'true' }, ...more } },
  ...{ mode: 'replace', by, source: 'test' },
});
const pause = (name: string): Command => ({ kind: 'pause', name, by });
const below = (parent: string): object => ({ schedule: { after: { parents: [parent] } } });

/** `a` ← `b`, with nothing in the audit. */
function rigOf(): Rig {
  const rig = new Rig('2026-11-21T00:00:00Z');
  rig.put({ name: 'a' }, { name: 'b', ...below('a') });
  rig.audit.length = 0;
  return rig;
}

function attempt(rig: Rig, command: Command, who?: Asker): void {
  try {
    rig.submit(command, who);
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
  }
}

const shown = ({ action, on, outcome, code, before, after }: AuditLine): unknown[] => [
  ...[action, on, outcome === 'done' ? outcome : code, before, after],
];
const runA = 'a.20261121T000000Z-mabcd';

describe('a command that changes something has a line', () => {
  const trigger: Command = { kind: 'trigger', name: 'a', triggerId: 'abcd', params: { PIN: '1234' }, by };
  const until = Date.parse('2026-11-22T00:00:00Z');
  const token: Command = {
    ...{ kind: 'create-token', id: 'a1b2c3d4e5f6', name: 'ci', sha256: 'ab'.repeat(32) },
    ...{ bindings: [{ role: 'viewer' }], expiresAt: null, by },
  };
  const shownToken = { name: 'ci', bindings: [{ role: 'viewer' }], expiresAt: null };
  test.each<[string, readonly Command[], readonly unknown[][]]>([
    [
      'a new job: all of it',
      [put('c', { labels: { team: 'x' } })],
      [['put-job', 'c', 'done', null, { revision: 1, 'labels.team': 'x', 'run.command': 'true' }]],
    ],
    [
      'a changed job: what has changed',
      [put('a', { labels: { team: 'x' } })],
      [['put-job', 'a', 'done', { revision: 1 }, { revision: 2, 'labels.team': 'x' }]],
    ],
    [
      'a deleted job, and each that changes with it',
      [{ kind: 'delete-job', name: 'a', dependents: 'detach', by }],
      [
        ['delete-job', 'b', 'done', { revision: 1, 'schedule.after.parents': ['a'] }, { revision: 2 }],
        ['delete-job', 'a', 'done', { revision: 1 }, { revision: 2, deleted: true }],
      ],
    ],
    ['a pause', [pause('a')], [['pause', 'a', 'done', { paused: false }, { paused: true }]]],
    [
      'a trigger, with the names of its parameters',
      [trigger],
      [['trigger', runA, 'done', null, { params: ['PIN'] }]],
    ],
    [
      'a kill',
      [trigger, { kind: 'kill', runId: runA, by }],
      [
        ['trigger', runA, 'done', null, { params: ['PIN'] }],
        ['kill', runA, 'done', { state: 'launching' }, null],
      ],
    ],
    [
      'a start of several',
      [{ kind: 'start', names: ['b', 'a'], triggerId: 'abcd', dryRun: false, by }],
      [['start', 'a, b', 'done', null, { jobs: 2 }]],
    ],
    [
      'a mute',
      [{ kind: 'mute', name: 'a', until, reason: 'night', by }],
      [
        [
          'mute',
          'a',
          'done',
          { mutedUntil: null },
          { mutedUntil: '2026-11-22T00:00:00.000Z', reason: 'night' },
        ],
      ],
    ],
    ['a new token: what it may do', [token], [['create-token', 'a1b2c3d4e5f6', 'done', null, shownToken]]],
    [
      'a token that goes',
      [token, { kind: 'revoke-token', id: 'a1b2c3d4e5f6', by }],
      [
        ['create-token', 'a1b2c3d4e5f6', 'done', null, shownToken],
        ['revoke-token', 'a1b2c3d4e5f6', 'done', shownToken, null],
      ],
    ],
    [
      'an end of sessions',
      [{ kind: 'end-sessions', id: 'bob', by }],
      [['end-sessions', 'bob', 'done', null, null]],
    ],
  ])('%s', (_, commands, lines) => {
    const rig = rigOf();
    for (const command of commands) rig.submit(command, ann);
    expect(rig.audit.map(shown)).toEqual(lines);
    for (const line of rig.audit)
      expect(line).toMatchObject({
        by: { kind: 'person', name: 'Ann' },
        from: '10.0.0.7',
        via: 'node-2',
        term: 1,
      });
  });

  test('in the same atomic group', () => {
    const rig = rigOf();
    const groups: WriteGroup[] = [];
    const keep = rig.keep.bind(rig);
    rig.keep = (decision) => {
      groups.push(...decision.groups);
      keep(decision);
    };
    const definitions = ['c', 'd'].map((name) => ({
      definition: { name, run: { command: 'x' } },
      source: '',
    }));
    rig.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by }, ann);
    const told = groups.map((group) =>
      group.flatMap((write) =>
        write.kind === 'job' ? [write.value.name] : write.kind === 'audit' ? [write.value.on] : [],
      ),
    );
    expect(told).toEqual([
      ['c', 'c'],
      ['d', 'd'],
    ]);
  });

  test('with ids that sort as they were written, and are used once', () => {
    const rig = rigOf();
    for (let i = 0; i < 40; i++) rig.submit({ kind: i % 2 === 0 ? 'pause' : 'resume', name: 'a', by }, ann);
    const ids = rig.audit.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toHaveLength(40);
  });

  test('by the program itself where nobody asked', () => {
    const rig = rigOf();
    rig.submit(pause('a'));
    expect(rig.audit[0]).toMatchObject({ by: { kind: 'system', name: 'ann' }, from: null, via: null });
  });
});

describe('there is no line', () => {
  test.each<[string, Command]>([
    ['of what has no effect', { kind: 'resume', name: 'a', by }],
    ['of a job that is put as it is', put('a')],
    ['of a dry run', { kind: 'apply', definitions: [], prune: { labels: {} }, dryRun: true, by }],
    ['of the use of a token', { kind: 'note-use', uses: [{ id: 'a1b2c3d4e5f6', at: 1, from: null }], by }],
  ])('%s', (_, command) => {
    const rig = rigOf();
    rig.submit(command, { ...ann, principal: { ...ann.principal, kind: 'node' } });
    expect(rig.audit).toEqual([]);
  });

  test('of a report, which jobs make at each run', () => {
    const rig = rigOf();
    rig.submit({ ...put('c'), definition: { name: 'c', schedule: { every: 'PT1H' } } } as Command);
    rig.audit.length = 0;
    const report = { key: null, triggerId: 'abcd', agoMs: 0, durationMs: null, exitCode: null } as const;
    rig.submit(
      { kind: 'report', name: 'c', step: 'success', ...report, output: null, givenUp: null, by },
      ann,
    );
    expect(rig.audit).toEqual([]);
  });
});

describe('a line never says', () => {
  test('values of the environment, or where secrets are from', () => {
    const rig = rigOf();
    const run = (value: string): object => ({
      run: { command: 'true', env: { PIN: value }, secrets: { KEY: { file: `/run/${value}` } } },
    });
    rig.submit(put('c', run('hush-1')), ann);
    rig.submit(put('c', run('hush-2')), ann);
    expect(rig.audit[1]).toMatchObject({
      before: { revision: 1, 'run.env.PIN': '***' },
      after: { revision: 2, 'run.env.PIN': '***' },
    });
    expect(JSON.stringify(rig.audit)).not.toContain('hush');
  });

  test('credentials of addresses, the hash of a token, or a key', () => {
    const rig = rigOf();
    rig.submit(put('c', { run: { command: 'x', fetch: [{ uri: 'https://ann:hush@example.org/x' }] } }), ann);
    rig.submit({ kind: 'add-key', id: 'k', secret: 'hush'.padEnd(43, 'x'), by });
    const sha256 = 'abcdef12'.repeat(8);
    rig.submit(
      {
        ...{ kind: 'create-token', id: 'a1b2c3d4e5f6', name: 'ci', sha256 },
        ...{ bindings: [{ role: 'viewer' }], expiresAt: null, by },
      },
      ann,
    );
    expect(rig.audit).toHaveLength(3);
    const text = JSON.stringify(rig.audit);
    expect([text.includes('hush'), text.includes(sha256)]).toEqual([false, false]);
  });

  test('more than 3 KB, or a line break', () => {
    const rig = rigOf();
    const labels = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`label-${i}`, 'x'.repeat(200)]));
    rig.submit(put('c', { labels, description: 'a\nb' }), ann);
    const loud = { kind: 'person', name: `${'n'.repeat(9_000)}\n`, id: 'x', bindings: [] } as const;
    attempt(rig, pause(`${'p'.repeat(9_000)}\u2028`), {
      principal: loud,
      from: 'f'.repeat(9_000),
      via: null,
    });
    expect(rig.audit).toHaveLength(2);
    for (const line of rig.audit) {
      expect(JSON.stringify(line).length).toBeLessThan(3_000);
      expect(JSON.stringify(line)).not.toMatch(/\\n|\u2028/);
    }
    expect(rig.audit[0]?.reason).toMatch(/^\d+ more values changed\.$/);
  });
});

describe('a refused command', () => {
  test('has a line that says why', () => {
    const rig = rigOf();
    attempt(rig, pause('a'), stranger);
    attempt(rig, pause('zzz'), stranger);
    attempt(rig, pause('zzz'));
    expect(rig.audit.map(shown)).toEqual([
      ['pause', 'a', 'FORBIDDEN', null, null],
      ['pause', 'zzz', 'JOB_NOT_FOUND', null, null],
    ]);
    expect(rig.audit[0]?.reason).toContain('the permission operate');
  });

  test('in an apply has one for each job', () => {
    const rig = rigOf();
    const definitions = ['a', 'c'].map((name) => ({
      definition: { name, run: { command: 'x' } },
      source: '',
    }));
    rig.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by }, stranger);
    expect(rig.audit.map(shown)).toEqual([
      ['apply', 'a', 'FORBIDDEN', null, null],
      ['apply', 'c', 'FORBIDDEN', null, null],
    ]);
  });

  test('has a line 20 times a minute for each who asks, so that nobody pushes out the lines of others', () => {
    const rig = rigOf();
    for (let i = 0; i < 30; i++) attempt(rig, pause('a'), stranger);
    expect(rig.audit).toHaveLength(20);
    expect(rig.audit[19]?.reason).toMatch(/Further refusals of this minute have no line\.$/);
    attempt(rig, pause('a'), { ...stranger, principal: { ...stranger.principal, id: 'bob' } });
    expect(rig.audit).toHaveLength(21);
    rig.advance(60_000);
    attempt(rig, pause('a'), stranger);
    expect(rig.audit).toHaveLength(22);
  });

  test('changes nothing but the audit, whoever asks for whatever', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const bindings = fc.array(
      fc.record(
        {
          role: fc.constantFrom(...roles),
          grants: fc.subarray([...grants]),
          jobs: fc.constantFrom('a', '?', 'b*', '*'),
        },
        { requiredKeys: ['role'] },
      ),
      { maxLength: 2 },
    );
    const command: fc.Arbitrary<Command> = fc.oneof(
      name.map(pause),
      fc
        .tuple(name, fc.constantFrom({}, { paused: true }, below('a'), below('c')))
        .map(([job, more]) => put(job, more)),
      fc
        .tuple(name, fc.constantFrom('refuse', 'cascade', 'detach'))
        .map(([job, dependents]): Command => ({ kind: 'delete-job', name: job, dependents, by })),
      name.map((job): Command => ({ kind: 'trigger', name: job, triggerId: 'abcd', params: {}, by })),
      name.map(
        (job): Command => ({ kind: 'start', names: [job, 'a'], triggerId: 'abcd', dryRun: false, by }),
      ),
      fc.constant<Command>({ kind: 'end-sessions', id: '*', by }),
      fc.constant<Command>({ kind: 'add-key', id: 'k', secret: 'x'.repeat(43), by }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(bindings, command), { maxLength: 8 }), (asked) => {
        const rig = rigOf();
        for (const [own, each] of asked) {
          const before = kept(rig);
          const lines = rig.audit.length;
          let isRefused = false;
          try {
            rig.submit(each, asker(...(own as Binding[])));
          } catch (error) {
            if (!(error instanceof CarillonError)) throw error;
            isRefused = true;
          }
          if (isRefused) expect([kept(rig), rig.audit.length]).toEqual([before, lines + 1]);
          else if (kept(rig) !== before) expect(rig.audit.length).toBeGreaterThan(lines);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** All that is stored but the audit, and all that would be launched. */
const kept = ({ jobs, states, live, history, tokens, keys, ends, effects }: Rig): string =>
  JSON.stringify([[jobs, states, live, tokens, keys, ends].map((map) => [...map]), history, effects.length]);

test('a take-over has a line: which node, and the term before it as far as that is known', () => {
  const rig = rigOf();
  const lead = (term: number): void =>
    rig.keep(decide(rig.state, { kind: 'leading', now: rig.now, term, clockAhead: null, node: 'node-2' }));
  lead(5);
  rig.state.ledBefore = 5;
  lead(6);
  expect(rig.audit.map(shown)).toEqual([
    ['lead', 'node-2', 'done', null, { term: 5 }],
    ['lead', 'node-2', 'done', { term: 5 }, { term: 6 }],
  ]);
});
