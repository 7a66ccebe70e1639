/** Many definitions at once: what becomes of each, in the order given, and what is deleted because it is missing. */

import { describe, expect, test } from 'vitest';
import type { ApplyResult, Command, Prune } from '../../../src/scheduler/command.ts';
import { Rig } from '../../support/rig.ts';

const run = { command: 'true' };
type Definition = { name: string } & Record<string, unknown>;

const waitsFor = (...parents: string[]) => ({ schedule: { after: { parents } } });

function rigWith(...definitions: Definition[]): Rig {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put(...definitions);
  return rig;
}

const applied = (
  definitions: readonly unknown[],
  more: { prune?: Prune | null; dryRun?: boolean } = {},
): Extract<Command, { kind: 'apply' }> => ({
  kind: 'apply',
  definitions: definitions.map((each, i) => ({
    definition: typeof each === 'object' && each !== null ? { run, ...each } : each,
    source: `jobs.yaml:${i + 1}`,
  })),
  prune: null,
  dryRun: false,
  by: 'ann',
  ...more,
});

/** `name outcome revision`, with the code of what is wrong. */
const shown = (results: readonly ApplyResult[]): string[] =>
  results.map(({ name, outcome, revision, error }) => `${name} ${outcome} ${error?.code ?? revision}`);

describe('definitions that are applied', () => {
  test.each<[string, Definition[], unknown[], string[]]>([
    ['create what is new', [], [{ name: 'a' }, { name: 'b' }], ['a created 1', 'b created 1']],
    [
      'change what differs, and leave what does not',
      [{ name: 'a' }, { name: 'b' }],
      [{ name: 'a', description: 'x' }, { name: 'b' }],
      ['a changed 2', 'b unchanged 1'],
    ],
    [
      'may name children before their parents',
      [],
      [{ name: 'c', ...waitsFor('b') }, { name: 'b', ...waitsFor('a') }, { name: 'a' }],
      ['c created 1', 'b created 1', 'a created 1'],
    ],
    [
      'may turn an edge around',
      [{ name: 'a' }, { name: 'b', ...waitsFor('a') }],
      [{ name: 'a', ...waitsFor('b') }, { name: 'b' }],
      ['a changed 2', 'b changed 2'],
    ],
    [
      'are refused one by one',
      [],
      [{ name: 'a' }, { name: 'not a name' }, 'no job', null, { name: 'b' }],
      [
        'a created 1',
        'not a name refused INVALID_FIELD',
        ' refused INVALID_FIELD',
        ' refused INVALID_FIELD',
        'b created 1',
      ],
    ],
    [
      'are refused where they wait for one that is refused, and so on',
      [],
      [
        { name: 'a', policy: { pool: 'none' } },
        { name: 'b', ...waitsFor('a') },
        { name: 'c', ...waitsFor('b') },
        { name: 'd' },
      ],
      ['a refused INVALID_FIELD', 'b refused UNKNOWN_PARENT', 'c refused UNKNOWN_PARENT', 'd created 1'],
    ],
    [
      'are refused in that order of waiting, too, whatever the order of the file',
      [],
      [
        { name: 'c', ...waitsFor('b') },
        { name: 'b', ...waitsFor('a') },
        { name: 'a', policy: { pool: 'none' } },
      ],
      ['c refused UNKNOWN_PARENT', 'b refused UNKNOWN_PARENT', 'a refused INVALID_FIELD'],
    ],
    [
      'count once for each job: the first',
      [],
      [{ name: 'a' }, { name: 'a', description: 'x' }],
      ['a created 1', 'a refused INVALID_FIELD'],
    ],
    [
      'are refused where they close a cycle, and where they wait for those',
      [{ name: 'z' }],
      [
        { name: 'a', ...waitsFor('b') },
        { name: 'b', ...waitsFor('a') },
        { name: 'c', ...waitsFor('a') },
        { name: 'd', ...waitsFor('z') },
      ],
      ['a refused DEPENDENCY_CYCLE', 'b refused DEPENDENCY_CYCLE', 'c refused UNKNOWN_PARENT', 'd created 1'],
    ],
    [
      'are refused where they close a cycle with a job that stays as it is',
      [{ name: 'a' }, { name: 'b', ...waitsFor('a') }],
      [{ name: 'a', ...waitsFor('b') }],
      ['a refused DEPENDENCY_CYCLE'],
    ],
  ])('%s', (_, stored, definitions, results) => {
    const rig = rigWith(...stored);
    expect(shown(rig.submit(applied(definitions, { dryRun: true })))).toEqual(results);
    expect(shown(rig.submit(applied(definitions)))).toEqual(results);
    const there = results.flatMap((each) => (each.includes('refused') ? [] : [each.slice(0, 1)]));
    expect(new Set(rig.state.jobs.keys())).toEqual(new Set([...stored.map(({ name }) => name), ...there]));
  });

  test('tell the definition before and after of what changes, and of nothing else', () => {
    const rig = rigWith({ name: 'a' }, { name: 'b' });
    const changed = { name: 'b', run, description: 'x' };
    expect(rig.submit(applied([{ name: 'a' }, changed, { name: 'c' }]))).toEqual([
      { name: 'a', outcome: 'unchanged', revision: 1, error: null, warnings: [], before: null, after: null },
      {
        name: 'b',
        outcome: 'changed',
        revision: 2,
        error: null,
        warnings: [],
        before: { name: 'b', run },
        after: changed,
      },
      {
        name: 'c',
        outcome: 'created',
        revision: 1,
        error: null,
        warnings: [],
        before: null,
        after: { name: 'c', run },
      },
    ]);
  });

  test('wait for the parents that they have then', () => {
    const rig = rigWith({ name: 'a' }, { name: 'b', ...waitsFor('a') });
    rig.submit(applied([{ name: 'a', ...waitsFor('b') }, { name: 'b' }]));
    expect([rig.state.graph.parentsOf('a'), rig.state.graph.parentsOf('b')]).toEqual([['b'], []]);
  });

  test('name the second of two of a job, and where it stands', () => {
    const [, second] = rigWith().submit(applied([{ name: 'a' }, { name: 'a' }]));
    expect(second).toMatchObject({
      before: null,
      after: null,
      warnings: [],
      revision: null,
      error: {
        message: expect.stringContaining("'a'"),
        details: { field: 'name', value: 'a', source: 'jobs.yaml:2', allowed: 'each job once' },
      },
    });
  });

  test.each([
    ['that is nearly the name of another in the request', [{ name: 'extract' }], 'extrakt', ['extract']],
    [
      'that is like no other',
      [{ name: 'extract' }],
      'zzzzzz',
      'names of existing jobs, or of jobs in the same request',
    ],
  ])('name a parent %s', (_, others, parent, allowed) => {
    const results = rigWith().submit(applied([...others, { name: 'b', ...waitsFor(parent) }]));
    const hint = Array.isArray(allowed) ? '; the nearest is extract' : 'does not exist';
    expect(results.at(-1)?.error).toMatchObject({
      code: 'UNKNOWN_PARENT',
      message: expect.stringMatching(new RegExp(`'${parent}' of 'b'.*${hint}\\.$`)),
      details: { field: 'schedule.after.parents', value: parent, allowed },
    });
  });
});

describe('what is missing among them', () => {
  const fleet = (): Rig =>
    rigWith(
      { name: 'a', labels: { team: 'x', env: 'prod' } },
      { name: 'b', labels: { team: 'x' }, ...waitsFor('a') },
      { name: 'c', labels: { team: 'y' } },
      { name: 'd' },
    );

  test.each<[string, Definition[], Prune | null, string[]]>([
    ['stays unless it is to be deleted', [{ name: 'd' }], null, ['d unchanged 1']],
    [
      'is deleted, children first',
      [{ name: 'd' }],
      { labels: {} },
      ['d unchanged 1', 'c deleted 2', 'b deleted 2', 'a deleted 2'],
    ],
    [
      'is deleted where it has the label',
      [{ name: 'a', labels: { team: 'x' } }],
      { labels: { team: 'x' } },
      ['a changed 2', 'b deleted 2'],
    ],
    [
      'stays where it lacks one of the labels',
      [{ name: 'd' }],
      { labels: { team: 'y', env: 'prod' } },
      ['d unchanged 1'],
    ],
    ['stays where the label is another', [{ name: 'd' }], { labels: { team: 'z' } }, ['d unchanged 1']],
    [
      'stays when one of them is refused: it may be meant by that one',
      [{ name: 'd' }, { name: 'c', policy: { pool: 'none' } }],
      { labels: {} },
      ['d unchanged 1', 'c refused INVALID_FIELD'],
    ],
    [
      'is no parent of those that stay',
      [{ name: 'd', ...waitsFor('c') }],
      { labels: {} },
      ['d refused UNKNOWN_PARENT'],
    ],
  ])('%s', (_, definitions, prune, results) => {
    const rig = fleet();
    expect(shown(rig.submit(applied(definitions, { prune, dryRun: true })))).toEqual(results);
    expect(rig.state.jobs.size).toBe(4);
    expect(shown(rig.submit(applied(definitions, { prune })))).toEqual(results);
    const deleted = results.flatMap((each) => (each.includes('deleted') ? [each.slice(0, 1)] : []));
    const left = ['a', 'b', 'c', 'd'].filter((name) => !deleted.includes(name));
    expect([...rig.state.jobs.keys()].sort()).toEqual(left);
  });

  test('tells the definition that goes', () => {
    const results = fleet().submit(applied([{ name: 'd' }], { prune: { labels: { team: 'y' } } }));
    expect(results.at(-1)).toEqual({
      name: 'c',
      outcome: 'deleted',
      revision: 2,
      error: null,
      warnings: [],
      before: { name: 'c', run, labels: { team: 'y' } },
      after: null,
    });
  });
});
