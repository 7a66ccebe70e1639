/** Who may do what: what each command needs, what a refusal says, and what it must not say. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { Asker, Binding } from '../../../src/scheduler/access/principal.ts';
import type { Command } from '../../../src/scheduler/command.ts';
import { Rig } from '../../support/rig.ts';

const by = 'ann';
const asker = (...bindings: Binding[]): Asker => ({
  principal: { kind: 'token', name: 'ci', id: 'abcabcabcabc', bindings },
  from: '10.0.0.7',
  via: null,
});
const admin = asker({ role: 'admin' });
const nobody = asker();
const sales = (role: Binding['role']): Asker => asker({ role, jobs: 'sales-*' });

/** `sales-a` ← `sales-b`, `sales-a` ← `hr-a` ← `sales-c`, and alone `hr-b`. */
function fleet(): Rig {
  const rig = new Rig('2026-11-21T00:00:00Z');
  const below = (...parents: string[]) => ({ schedule: { after: { parents } } });
  rig.put(
    { name: 'sales-a' },
    { name: 'sales-b', ...below('sales-a') },
    { name: 'hr-a', labels: { team: 'hr' }, ...below('sales-a') },
    { name: 'sales-c', ...below('hr-a') },
    { name: 'hr-b', labels: { team: 'hr' } },
  );
  return rig;
}

const put = (name: string, more: object = {}, mode: 'create' | 'replace' = 'replace'): Command => ({
  ...{ kind: 'put-job', definition: { name, run: { command: 'true' }, ...more }, mode, by, source: 'test' },
});
const below = (...parents: string[]): object => ({ schedule: { after: { parents } } });
const on = (kind: 'pause' | 'resume' | 'unmute', name: string): Command => ({ kind, name, by });
const trigger = (name: string): Command => ({ kind: 'trigger', name, triggerId: 'abcd', params: {}, by });
const remove = (name: string, dependents: 'refuse' | 'cascade' | 'detach'): Command => ({
  ...{ kind: 'delete-job', name, dependents, by },
});
const start = (...names: string[]): Command => ({
  kind: 'start',
  names,
  triggerId: 'abcd',
  dryRun: false,
  by,
});
const mark = (name: string): Command => ({ kind: 'mark-success', name, triggerId: 'abcd', by });
const createToken: Extract<Command, { kind: 'create-token' }> = {
  ...{ kind: 'create-token', id: 'a1b2c3d4e5f6', name: 'deploy', sha256: 'ab'.repeat(32) },
  ...{ bindings: [{ role: 'viewer' }], expiresAt: null, by },
};
const revoke = (id: string): Command => ({ kind: 'revoke-token', id, by });
const endSessions = (id: string): Command => ({ kind: 'end-sessions', id, by });
const note: Command = { kind: 'note', lines: [], by };

/** What became of it: `done`, or the code of the refusal. */
function outcome(rig: Rig, command: Command, who?: Asker): string {
  const error = refusal(rig, command, who);
  return error === null ? 'done' : error.code;
}

function refusal(rig: Rig, command: Command, who?: Asker): CarillonError | null {
  try {
    rig.submit(command, who);
    return null;
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
}

describe('who may do what', () => {
  test.each<[string, Asker, Command, string]>([
    ['a viewer may not put a job', sales('viewer'), put('sales-d'), 'FORBIDDEN'],
    ['an operator may not put a job', sales('operator'), put('sales-d'), 'FORBIDDEN'],
    ['an editor may put a job in his scope', sales('editor'), put('sales-d'), 'done'],
    ['an editor may put no job outside of it', sales('editor'), put('hr-c'), 'FORBIDDEN'],
    ['nor change one there', sales('editor'), put('hr-b', { description: 'mine' }), 'FORBIDDEN'],
    ['nor make one there with its name', sales('editor'), put('hr-b', {}, 'create'), 'FORBIDDEN'],
    [
      'an editor of a label may not give it to a job of others',
      asker({ role: 'editor', labels: { team: 'ops' } }),
      put('hr-b', { labels: { team: 'ops' } }),
      'FORBIDDEN',
    ],
    [
      'nor take it from his own',
      asker({ role: 'editor', labels: { team: 'hr' } }),
      put('hr-b', { labels: { team: 'ops' } }),
      'FORBIDDEN',
    ],
    [
      'he may change the rest of it',
      asker({ role: 'editor', labels: { team: 'hr' } }),
      put('hr-b', { labels: { team: 'hr' }, description: 'ours' }),
      'done',
    ],
    ['a parent that he can read is allowed', sales('editor'), put('sales-d', below('sales-a')), 'done'],
    ['one that he cannot is unknown', sales('editor'), put('sales-d', below('hr-b')), 'UNKNOWN_PARENT'],
    [
      'one that his job has already may stay',
      sales('editor'),
      put('sales-c', { ...below('hr-a'), labels: { a: 'b' } }),
      'done',
    ],
    ['a viewer may not trigger', sales('viewer'), trigger('sales-a'), 'FORBIDDEN'],
    ['an operator may', sales('operator'), trigger('sales-a'), 'done'],
    ['for him a job that he cannot read does not exist', sales('operator'), trigger('hr-b'), 'JOB_NOT_FOUND'],
    ['as for somebody without any role', nobody, trigger('sales-a'), 'JOB_NOT_FOUND'],
    ['a viewer may not pause', sales('viewer'), on('pause', 'sales-a'), 'FORBIDDEN'],
    ['an operator may pause', sales('operator'), on('pause', 'sales-a'), 'done'],
    ['an operator may mark a success', sales('operator'), mark('sales-a'), 'done'],
    ['an operator may not delete', sales('operator'), remove('sales-b', 'refuse'), 'FORBIDDEN'],
    ['an editor may delete', sales('editor'), remove('sales-b', 'refuse'), 'done'],
    [
      'with jobs that depend on it only where he may edit all',
      sales('editor'),
      remove('sales-a', 'cascade'),
      'FORBIDDEN',
    ],
    ['to detach them likewise', sales('editor'), remove('sales-a', 'detach'), 'FORBIDDEN'],
    ['an admin may', admin, remove('sales-a', 'cascade'), 'done'],
    [
      'a start needs to operate each of its jobs',
      sales('operator'),
      start('sales-a', 'hr-b'),
      'JOB_NOT_FOUND',
    ],
    ['a start of his own jobs is done', sales('operator'), start('sales-a', 'sales-b'), 'done'],
    ['an editor of everything may not create tokens', asker({ role: 'editor' }), createToken, 'FORBIDDEN'],
    ['nor may an admin of some jobs', asker({ role: 'admin', jobs: '*' }), createToken, 'FORBIDDEN'],
    ['an admin of everything may', admin, createToken, 'done'],
    ['nobody ends the sessions of others', asker({ role: 'editor' }), endSessions('bob'), 'FORBIDDEN'],
    ['but an admin', admin, endSessions('*'), 'done'],
    ['nobody writes lines of the audit, not even an admin', admin, note, 'FORBIDDEN'],
  ])('%s', (_, who, command, expected) => {
    expect(outcome(fleet(), command, who)).toBe(expected);
  });

  test('the program itself may everything', () => {
    const rig = fleet();
    for (const command of [put('x'), trigger('hr-b'), createToken, endSessions('bob'), note])
      expect(outcome(rig, command)).toBe('done');
  });

  test('a token may revoke itself, and no other', () => {
    const rig = fleet();
    rig.submit(createToken, admin);
    expect(outcome(rig, revoke('a1b2c3d4e5f6'), nobody)).toBe('FORBIDDEN');
    const itself = { ...nobody, principal: { ...nobody.principal, id: 'a1b2c3d4e5f6' } };
    expect(outcome(rig, revoke('a1b2c3d4e5f6'), itself)).toBe('done');
  });

  test('a person may end the own sessions', () => {
    const ann: Asker = { ...nobody, principal: { kind: 'person', name: 'Ann', id: 'ann', bindings: [] } };
    expect(outcome(fleet(), endSessions('ann'), ann)).toBe('done');
    expect(outcome(fleet(), endSessions('bob'), ann)).toBe('FORBIDDEN');
  });

  test('a person whom the provider calls * ends no sessions of others', () => {
    const star: Asker = { ...nobody, principal: { kind: 'person', name: 'Eve', id: '*', bindings: [] } };
    expect(outcome(fleet(), endSessions('*'), star)).toBe('FORBIDDEN');
  });

  test('the sessions of everybody can be ended however many were ended lately', () => {
    const rig = fleet();
    for (let i = 0; i < 10_000; i++) rig.state.sessionsEnd.set(`s${i}`, rig.now);
    expect(outcome(rig, endSessions('bob'), admin)).toBe('LIMIT_EXCEEDED');
    expect(outcome(rig, endSessions('*'), admin)).toBe('done');
    rig.now += 1_000;
    expect(outcome(rig, endSessions('*'), admin)).toBe('done');
    rig.now += 1_000;
    expect(outcome(rig, endSessions('bob'), admin)).toBe('done');
  });

  test('a role that is taken away is gone with the next command', () => {
    const rig = fleet();
    expect(outcome(rig, on('pause', 'sales-a'), sales('operator'))).toBe('done');
    expect(outcome(rig, on('resume', 'sales-a'), sales('viewer'))).toBe('FORBIDDEN');
  });

  test('an apply refuses each job by itself, and does the rest', () => {
    const rig = fleet();
    const definitions = ['sales-d', 'hr-b', 'sales-e'].map((name) => ({
      ...{ definition: { name, run: { command: 'date' } }, source: `${name}.yaml` },
    }));
    const apply: Extract<Command, { kind: 'apply' }> = {
      kind: 'apply',
      definitions,
      prune: null,
      dryRun: false,
      by,
    };
    const results = rig.submit(apply, sales('editor'));
    expect(results.map(({ name, outcome, error }) => [name, outcome, error?.code ?? null])).toEqual([
      ['sales-d', 'created', null],
      ['hr-b', 'refused', 'FORBIDDEN'],
      ['sales-e', 'created', null],
    ]);
    expect(results[1]).toMatchObject({ before: null, after: null });
    expect(rig.state.entry('hr-b').job.revision).toBe(1);
  });

  test('an apply prunes only what the asker may edit', () => {
    const rig = fleet();
    const apply: Extract<Command, { kind: 'apply' }> = {
      kind: 'apply',
      definitions: [],
      prune: { labels: {} },
      dryRun: true,
      by,
    };
    const pruned = rig.submit(apply, sales('editor')).map(({ name }) => name);
    expect(pruned.sort()).toEqual(['sales-b', 'sales-c']);
  });
});

describe('a refusal', () => {
  test('says which permission is missing, on which job, and which role has it', () => {
    const error = refusal(fleet(), trigger('sales-a'), sales('viewer'));
    expect(error?.message).toBe(
      "This needs the permission operate on 'sales-a'. The role operator has it, and an admin can grant it.",
    );
    expect(error?.details).toEqual({
      ...{ field: 'permission', value: 'operate', allowed: "the role operator or higher on 'sales-a'" },
      names: ['sales-a'],
    });
  });

  const kill = (runId: string): Command => ({ kind: 'kill', runId, by });
  test.each<[string, (name: string) => Command]>([
    ['trigger', trigger],
    ['pause', (name) => on('pause', name)],
    ['unmute', (name) => on('unmute', name)],
    ['mark-success', mark],
    ['start', (name) => start(name)],
    ['delete-job', (name) => remove(name, 'cascade')],
    ['put-job with such a parent', (name) => put('sales-d', below(name))],
    ['put-job of such a name', (name) => put(name)],
    ['put-job with a name like it', (name) => put('sales-d', below(`${name}x`))],
    ['kill', (name) => kill(`${name}.20261121T000000Z.mabcd`)],
    ['acknowledge', (name) => ({ kind: 'acknowledge', id: `${name}.failed`, until: null, by })],
    ['send-again', (name) => ({ kind: 'send-again', id: name, by })],
  ])('of %s says of a job that cannot be read what it says of one that does not exist', (_, command) => {
    const rig = fleet();
    rig.submit(trigger('hr-b'));
    const [hidden, missing] = ['hr-b', 'hr-z'].map((name) => {
      const error = refusal(rig, command(name), sales('editor'));
      return JSON.stringify([error?.code, error?.message, error?.details]).replaceAll(name, 'NAME');
    });
    expect(hidden).toBe(missing);
  });

  test('of a cycle names no job on it that cannot be read', () => {
    const error = refusal(fleet(), put('sales-a', below('sales-c')), sales('editor'));
    expect(error).toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      details: { names: ['sales-a', 'sales-c', 'sales-a'] },
    });
    expect(JSON.stringify([error?.message, error?.details])).not.toContain('hr-a');
  });

  test('of a cycle in an apply names none either', () => {
    const definition = { name: 'sales-a', run: { command: 'true' }, ...below('sales-c') };
    const definitions = [{ definition, source: 'test' }];
    const apply: Extract<Command, { kind: 'apply' }> = {
      kind: 'apply',
      definitions,
      prune: null,
      dryRun: true,
      by,
    };
    const [result] = fleet().submit(apply, sales('editor'));
    expect(result).toMatchObject({ outcome: 'refused', error: { code: 'DEPENDENCY_CYCLE' } });
    expect(JSON.stringify(result)).not.toContain('hr-a');
  });

  test.each(['refuse', 'cascade', 'detach'] as const)(
    'to delete (%s) names no dependent that cannot be read',
    (how) => {
      const error = refusal(fleet(), remove('sales-a', how), sales('editor'));
      expect(error).not.toBeNull();
      expect(JSON.stringify([error?.message, error?.details])).not.toContain('hr-a');
    },
  );
});

describe('tokens', () => {
  const wrong = { kind: 'create-token', by } as const;
  const good = { id: 'a1b2c3d4e5f6', name: 'deploy', sha256: 'ab'.repeat(32), expiresAt: null };
  const bindings: Binding[] = [{ role: 'viewer' }];
  const many = <T>(count: number, each: T): T[] => Array.from({ length: count }, () => each);
  test.each<[string, Partial<Extract<Command, { kind: 'create-token' }>>, string]>([
    ['an id of another form', { id: 'A1B2C3D4E5F6' }, 'id'],
    ['a hash of another form', { sha256: 'secret' }, 'sha256'],
    ['no name', { name: '' }, 'name'],
    ['a name with a line break', { name: 'a\nb' }, 'name'],
    ['a long name', { name: 'x'.repeat(101) }, 'name'],
    ['no bindings', { bindings: [] }, 'bindings'],
    ['21 bindings', { bindings: many(21, { role: 'viewer' as const }) }, 'bindings'],
    ['an unknown role', { bindings: [{ role: 'root' as 'admin' }] }, 'bindings[0].role'],
    ['an unknown grant', { bindings: [{ role: 'viewer', grants: ['all' as 'env'] }] }, 'bindings[0].grants'],
    ['a grant twice', { bindings: [{ role: 'viewer', grants: ['env', 'env'] }] }, 'bindings[0].grants'],
    ['a long pattern', { bindings: [{ role: 'viewer', jobs: '*'.repeat(129) }] }, 'bindings[0].jobs'],
    ['an empty pattern', { bindings: [{ role: 'viewer', jobs: '' }] }, 'bindings[0].jobs'],
    [
      'more than 4,096 bytes of bindings',
      {
        bindings: many(9, {
          role: 'viewer' as const,
          labels: { team: 'x'.repeat(250), zone: 'y'.repeat(250) },
        }),
      },
      'bindings',
    ],
    ['labels without any', { bindings: [{ role: 'viewer', labels: {} }] }, 'bindings[0].labels'],
    ['an end in the past', { expiresAt: 0 }, 'expiresAt'],
    ['an end that never comes', { expiresAt: Number.MAX_SAFE_INTEGER }, 'expiresAt'],
    ['an end that is no time', { expiresAt: Number.NaN }, 'expiresAt'],
  ])('with %s are refused', (_, more, field) => {
    const error = refusal(fleet(), { ...wrong, ...good, bindings, ...more }, admin);
    expect(error?.details.field).toBe(field);
  });

  test('have a name and an id of their own', () => {
    const rig = fleet();
    rig.submit(createToken, admin);
    const again = { ...wrong, ...good, bindings };
    expect(outcome(rig, { ...again, id: 'b1b2c3d4e5f6' }, admin)).toBe('TOKEN_EXISTS');
    expect(outcome(rig, { ...again, name: 'other' }, admin)).toBe('TOKEN_EXISTS');
    expect(outcome(rig, { ...again, id: 'b1b2c3d4e5f6', name: 'other' }, admin)).toBe('done');
  });

  test('survive the leader, with their last use, until they are revoked', () => {
    const rig = fleet();
    const made = rig.submit(createToken, admin);
    const use = { id: 'a1b2c3d4e5f6', at: rig.now + 5, from: '::1' };
    rig.submit({ kind: 'note-use', uses: [use, { ...use, at: rig.now }, { ...use, id: 'gone' }], by });
    rig.restart();
    expect([...rig.state.tokens.values()]).toEqual([{ ...made, usedAt: rig.now + 5, usedFrom: '::1' }]);
    rig.submit(revoke('a1b2c3d4e5f6'), admin);
    rig.restart();
    expect(rig.state.tokens.size).toBe(0);
    expect(outcome(rig, revoke('a1b2c3d4e5f6'), admin)).toBe('TOKEN_NOT_FOUND');
  });
});

describe('keys and sessions', () => {
  const addKey = (rig: Rig, id: string): string[] =>
    rig.submit({ kind: 'add-key', id, secret: 'x'.repeat(43), by }).map((key) => key.id);

  test('the newest two keys are kept, the newest first, also when the clock was set back', () => {
    const rig = fleet();
    expect(addKey(rig, 'a')).toEqual(['a']);
    expect(addKey(rig, 'b')).toEqual(['b', 'a']);
    rig.now -= 1_000;
    expect(addKey(rig, 'c')).toEqual(['c', 'b']);
    expect(addKey(rig, 'c')).toEqual(['c', 'b']);
    rig.restart();
    expect([...rig.keys.keys()].sort()).toEqual(['b', 'c']);
  });

  test('an end of sessions never goes back, and is forgotten when no session can be as old', () => {
    const rig = fleet();
    const first = rig.now;
    rig.submit(endSessions('ann'), admin);
    rig.now -= 5_000;
    expect(rig.submit({ kind: 'end-sessions', id: 'ann', by }).at).toBe(first);
    rig.restart();
    expect(rig.state.sessionsEnd.get('ann')).toBe(first);
    rig.now += 91 * 86_400_000;
    rig.submit(endSessions('bob'), admin);
    expect([...rig.ends.keys()]).toEqual(['bob']);
  });
});
