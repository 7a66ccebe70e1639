/** What each command answers, and what is refused: the field, the value and what is allowed are named. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { Command } from '../../../src/scheduler/command.ts';
import type { Notice } from '../../../src/scheduler/handle.ts';
import { inWords, wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const run = { command: 'true' };
const hourly = { cron: '0 * * * *' };

function rigWith(...definitions: ({ name: string } & Record<string, unknown>)[]): Rig {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put(...definitions);
  return rig;
}

/** Code and details of the refusal; its message has these words. */
function refusal(rig: Rig, command: Command, ...words: string[]): object {
  const before = JSON.stringify([...rig.state.jobs.values()].map(({ job, state }) => [job, state]));
  try {
    rig.submit(command);
  } catch (error) {
    expect(error).toBeInstanceOf(CarillonError);
    const { code, details, message } = error as CarillonError;
    for (const word of words) expect(message).toContain(word);
    // Nothing was changed.
    expect(JSON.stringify([...rig.state.jobs.values()].map(({ job, state }) => [job, state]))).toBe(before);
    return { code, ...details };
  }
  return expect.fail('it was not refused');
}

/** What those who watch are told while the step is taken. */
function noticesOf(rig: Rig, step: () => void): Notice[] {
  const notices: Notice[] = [];
  const keep = rig.keep;
  rig.keep = (decision) => {
    notices.push(...decision.notices);
    keep.call(rig, decision);
  };
  step();
  rig.keep = keep;
  return notices;
}

type Put = Extract<Command, { kind: 'put-job' }>;

const put = (definition: object, more: Partial<Put> = {}): Put => ({
  kind: 'put-job',
  definition: { run, ...definition },
  mode: 'replace',
  by: 'ann',
  source: 'test',
  ...more,
});

describe('putting a job', () => {
  test('that is new creates its first revision', () => {
    const rig = rigWith();
    const answer = rig.submit(put({ name: 'a' }));
    expect(answer).toMatchObject({
      outcome: 'created',
      warnings: [],
      job: { name: 'a', revision: 1, updatedBy: 'ann', updatedAt: NOW },
      state: { name: 'a', cursor: NOW },
    });
  });

  test('with another definition makes the next revision', () => {
    const rig = rigWith({ name: 'a' });
    const definition = { name: 'a', description: 'other' };
    expect(rig.submit(put(definition))).toMatchObject({
      outcome: 'changed',
      job: { revision: 2, definition },
      state: { name: 'a' },
    });
  });

  test('with the same definition changes nothing, and is told', () => {
    const rig = rigWith({ name: 'a', schedule: hourly });
    const notices = noticesOf(rig, () => {
      expect(rig.submit(put({ name: 'a', schedule: hourly }))).toMatchObject({
        outcome: 'unchanged',
        warnings: [],
        job: { revision: 1 },
        state: { name: 'a', cursor: NOW },
      });
    });
    expect(notices).toEqual([]);
  });

  test('gives an answer that later changes of the job do not change', () => {
    const rig = rigWith();
    const answers = [
      rig.submit(put({ name: 'a' })),
      rig.submit(put({ name: 'a' })),
      rig.submit(put({ name: 'a', description: 'b' })),
      rig.submit({ kind: 'resume', name: 'a', by: 'ann' }),
    ];
    rig.submit({ kind: 'pause', name: 'a', by: 'ann' });
    expect(answers.map(({ state }) => state.paused)).toEqual([null, null, null, null]);
  });

  test('is told to those who watch: created first, then changed', () => {
    const rig = rigWith();
    const notices = noticesOf(rig, () => rig.put({ name: 'a' }, { name: 'a', description: 'b' }));
    expect(notices).toEqual([
      { kind: 'job', name: 'a', change: 'created', revision: 1 },
      { kind: 'job', name: 'a', change: 'changed', revision: 2 },
    ]);
  });

  test('of a name that exists is refused where a new one is meant', () => {
    const rig = rigWith({ name: 'a' });
    const refused = refusal(rig, put({ name: 'a' }, { mode: 'create' }), "'a'");
    expect(refused).toEqual({ code: 'JOB_EXISTS', field: 'name', value: 'a' });
    expect(rig.submit(put({ name: 'b' }, { mode: 'create' })).outcome).toBe('created');
  });

  test.each([
    [0, 1, true],
    [1, 1, false],
    [0, 0, false],
    [1, 0, true],
    [2, 1, true],
  ])('of which revision %i is expected, and revision %i is stored: refused is %s', (expected, stored, is) => {
    const rig = rigWith(...(stored === 0 ? [] : [{ name: 'a' }]));
    const command = put({ name: 'a', description: 'b' }, { expected });
    if (is)
      expect(refusal(rig, command, "'a'", `${stored}`, `${expected}`)).toEqual({
        code: 'REVISION_CONFLICT',
        field: 'revision',
        value: expected,
        allowed: String(stored),
      });
    else expect(rig.submit(command).job.revision).toBe(stored + 1);
  });

  test.each([
    ['that is nearly that of a job names this job', 'extrakt', ['extract']],
    ['that is like no other names none', 'zzzzzz', 'names of existing jobs, or of jobs in the same request'],
  ])('with a parent %s', (_, parent, allowed) => {
    const rig = rigWith({ name: 'extract' });
    const refused = refusal(rig, put({ name: 'b', schedule: { after: { parents: [parent] } } }), `${parent}`);
    expect(refused).toMatchObject({ value: parent, allowed });
  });

  test.each([
    [true, { at: NOW, by: 'ann' }],
    [false, null],
    [undefined, { at: NOW - 1, by: 'bob' }],
  ])('with paused: %s leaves a paused job paused as %j', (paused, expected) => {
    const rig = rigWith({ name: 'a' });
    rig.now = NOW - 1;
    rig.submit({ kind: 'pause', name: 'a', by: 'bob' });
    rig.now = NOW;
    const answer = rig.submit(
      put({ name: 'a', description: 'b', ...(paused === undefined ? {} : { paused }) }),
    );
    expect(answer.state.paused).toEqual(expected);
    rig.restart();
    expect(rig.view('a').state.paused).toEqual(expected);
  });

  test('that is new and paused stays paused with the next leader', () => {
    const rig = rigWith({ name: 'a', paused: true });
    rig.restart();
    expect(rig.view('a').state.paused).toEqual({ at: NOW, by: 'test' });
  });
});

describe('deleting a job on which others depend', () => {
  const waitsFor = (...parents: string[]) => ({ schedule: { after: { parents } } });
  const family = (children: number): Rig =>
    rigWith(
      { name: 'a' },
      { name: 'z' },
      ...Array.from({ length: children }, (_, i) => ({ name: `c${i + 1}`, ...waitsFor('a') })),
    );
  const remove = (dependents: 'refuse' | 'cascade' | 'detach'): Command => ({
    kind: 'delete-job',
    name: 'a',
    dependents,
    by: 'ann',
  });

  test.each([
    [1, "1 job depends on 'a': c1", false],
    [5, "5 jobs depend on 'a': c1, c2, c3, c4, c5", false],
    [6, "6 jobs depend on 'a': c1, c2, c3, c4, c5, …", true],
  ])('is refused with the first of its %i children named', (children, words, more) => {
    const rig = family(children);
    const names = Array.from({ length: children }, (_, i) => `c${i + 1}`);
    let message = '';
    try {
      rig.submit(remove('refuse'));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toBe(words);
    expect(message.endsWith('…')).toBe(more);
    expect(refusal(rig, remove('refuse'))).toEqual({
      code: 'JOB_HAS_DEPENDENTS',
      field: 'dependents',
      value: 'refuse',
      allowed: ['cascade', 'detach'],
      names,
    });
  });

  test('deletes them too with cascade, children before their parents', () => {
    const rig = rigWith(
      { name: 'a' },
      { name: 'b', ...waitsFor('a') },
      { name: 'c', ...waitsFor('b') },
      { name: 'z' },
    );
    const notices = noticesOf(rig, () => {
      expect(rig.submit(remove('cascade'))).toEqual({ deleted: ['a', 'b', 'c'], detached: [] });
    });
    expect(notices.map((each) => (each.kind === 'job' ? `${each.name} ${each.change}` : ''))).toEqual([
      'c deleted',
      'b deleted',
      'a deleted',
    ]);
    expect([...rig.state.jobs.keys()]).toEqual(['z']);
  });

  test('makes each child wait for its other parents with detach, or for nothing', () => {
    const rig = rigWith(
      { name: 'a' },
      { name: 'z' },
      { name: 'b', ...waitsFor('a') },
      { name: 'c', schedule: { after: { parents: ['a', 'z'], when: 'all-done' } } },
    );
    rig.now += 1_000;
    expect(rig.submit(remove('detach'))).toEqual({ deleted: ['a'], detached: ['b', 'c'] });
    expect(rig.state.entry('b').job).toMatchObject({ revision: 2, updatedAt: rig.now, updatedBy: 'ann' });
    expect(rig.state.entry('b').job.definition).toEqual({ name: 'b', run });
    expect(rig.state.entry('c').job.definition.schedule).toEqual({
      after: { parents: ['z'], when: 'all-done' },
    });
    expect(rig.state.graph.parentsOf('c')).toEqual(['z']);
  });
});

describe('deleting a job', () => {
  const remove: Command = { kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'ann' };

  test('that runs ends its runs, those that wait as well', () => {
    const rig = rigWith({ name: 'a', policy: { overlap: 'queue' } });
    const { attempts } = rig.trigger('a');
    rig.begin('a');
    rig.trigger('a');
    rig.effects.length = 0;
    rig.submit(remove);
    expect(rig.effects).toMatchObject([{ kind: 'kill', launchName: attempts[0]?.launchName }]);
    expect(rig.history.map(({ state, reason, kill }) => [state, wordsOf(reason), kill?.by])).toEqual([
      ['killed', 'the job was deleted', 'ann'],
      ['killed', 'the job was deleted', undefined],
    ]);
    expect(inWords(rig.history[0]?.kill)).toEqual({
      at: NOW,
      by: 'ann',
      as: 'killed',
      reason: 'the job was deleted',
    });
  });

  test('is told to those who watch, and writes its last revision', () => {
    const rig = rigWith({ name: 'a' });
    const writes: unknown[] = [];
    const keep = rig.keep;
    rig.keep = (decision) => {
      writes.push(...decision.groups.flat().filter((write) => write.kind === 'job-removed'));
      keep.call(rig, decision);
    };
    const notices = noticesOf(rig, () => rig.submit(remove));
    expect(notices).toEqual([{ kind: 'job', name: 'a', change: 'deleted', revision: 2 }]);
    expect(writes).toEqual([
      {
        kind: 'job-removed',
        value: { job: 'a', revision: 2, at: NOW, by: 'ann', definition: null },
      },
    ]);
  });

  test('that does not exist is refused', () => {
    expect(refusal(rigWith(), remove, "'a'")).toEqual({ code: 'JOB_NOT_FOUND', field: 'name', value: 'a' });
  });
});

describe('pausing and resuming', () => {
  const command = (kind: 'pause' | 'resume'): Command => ({ kind, name: 'a', by: 'ann' });

  test('a job answers what it is then, and is told once', () => {
    const rig = rigWith({ name: 'a' });
    const notices = noticesOf(rig, () => {
      expect(rig.submit(command('pause'))).toMatchObject({
        job: { name: 'a' },
        state: { paused: { at: NOW, by: 'ann' } },
      });
      rig.submit(command('pause'));
      expect(rig.submit(command('resume'))).toMatchObject({ job: { name: 'a' }, state: { paused: null } });
      rig.submit(command('resume'));
    });
    expect(notices).toEqual([
      { kind: 'job', name: 'a', change: 'paused', revision: 1 },
      { kind: 'job', name: 'a', change: 'resumed', revision: 1 },
    ]);
  });

  test('again keeps who paused it first', () => {
    const rig = rigWith({ name: 'a' });
    rig.submit(command('pause'));
    rig.now += 1_000;
    expect(rig.submit({ kind: 'pause', name: 'a', by: 'bob' })).toMatchObject({
      state: { paused: { at: NOW, by: 'ann' } },
    });
  });

  test('a job that failed too often: resuming it forgets its failures, pausing it does not', () => {
    const rig = rigWith({ name: 'a', policy: { disableAfterFailures: 2, overlap: 'allow' } });
    for (let i = 0; i < 2; i++) {
      rig.trigger('a');
      rig.end('a', 1);
    }
    expect(rig.view('a').state).toMatchObject({ consecutiveFailures: 2, disabled: { at: NOW } });
    rig.submit(command('pause'));
    expect(rig.view('a').state).toMatchObject({ consecutiveFailures: 2, disabled: { at: NOW } });
    rig.submit(command('resume'));
    expect(rig.view('a').state).toMatchObject({ consecutiveFailures: 0, disabled: null, paused: null });
  });

  test('a job that failed once keeps that in mind over a pause', () => {
    const rig = rigWith({ name: 'a', policy: { disableAfterFailures: 2 } });
    rig.trigger('a');
    rig.end('a', 1);
    rig.submit(command('pause'));
    rig.submit(command('resume'));
    expect(rig.view('a').state.consecutiveFailures).toBe(1);
  });
});

describe('a start by hand', () => {
  const trigger = (params: Record<string, string>): Command => ({
    kind: 'trigger',
    name: 'a',
    triggerId: 'abcd',
    params,
    by: 'ann',
  });

  test('makes a run of now that names who asked', () => {
    const rig = rigWith({ name: 'a' });
    expect(rig.submit(trigger({ DAY: 'x' }))).toMatchObject({
      job: 'a',
      due: NOW,
      variant: 'mabcd',
      trigger: { kind: 'manual', by: 'ann' },
      params: { DAY: 'x' },
    });
  });

  test('gives an answer that later changes of the run do not change', () => {
    const rig = rigWith({ name: 'a' });
    const answers = [rig.submit(trigger({})), rig.submit(trigger({}))] as { state: string }[];
    rig.begin('a');
    expect(answers.map(({ state }) => state)).toEqual(['launching', 'launching']);
  });

  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`P${i}`, 'x']));

  test('has up to 64 parameters of up to 4 KiB', () => {
    for (const params of [many(64), { A: 'x'.repeat(4_096) }, { _a1: '' }, { MY_CARILLON_: 'x' }])
      expect(rigWith({ name: 'a' }).submit(trigger(params))).toMatchObject({ params });
  });

  const text = 'text without it';
  const names = 'letters, digits and underscores, not starting with a digit or with CARILLON_';
  test.each<[string, Record<string, string>, object, string[]]>([
    [
      'too many parameters',
      many(65),
      { code: 'LIMIT_EXCEEDED', field: 'params', allowed: 'at most 64 parameters' },
      ['65', '64'],
    ],
    [
      'a parameter whose name begins with a digit',
      { '1A': 'x' },
      { code: 'INVALID_FIELD', field: 'params.1A', value: '1A', allowed: names },
      ["'1A'"],
    ],
    [
      'a parameter whose name is one of our own',
      { CARILLON_JOB: 'x' },
      { code: 'INVALID_FIELD', field: 'params.CARILLON_JOB', value: 'CARILLON_JOB', allowed: names },
      ["'CARILLON_JOB'"],
    ],
    [
      'a parameter with a zero byte',
      { A: 'x\0' },
      { code: 'INVALID_FIELD', field: 'params.A', allowed: text },
      ['params.A'],
    ],
    [
      'a parameter that is too long',
      { A: 'x'.repeat(4_097) },
      { code: 'LIMIT_EXCEEDED', field: 'params.A', allowed: 'at most 4096 bytes' },
      ['params.A', '4096'],
    ],
  ])('is refused with %s', (_, params, expected, words) => {
    expect(refusal(rigWith({ name: 'a' }), trigger(params), ...words)).toMatchObject(expected);
  });
});

describe('a run', () => {
  test('that has not ended cannot be run again', () => {
    const rig = rigWith({ name: 'a' });
    const unfinished = rig.trigger('a');
    const refused = refusal(
      rig,
      { kind: 'rerun', run: unfinished, triggerId: 'abcd', by: 'ann' },
      unfinished.id,
      'launching',
    );
    expect(refused).toEqual({ code: 'RUN_NOT_ENDED', field: 'id', value: unfinished.id });
  });

  test('that has ended is run again for its instant, with its parameters', () => {
    const rig = rigWith({ name: 'a' });
    rig.trigger('a', { DAY: 'x' });
    rig.end('a');
    rig.now += 60_000;
    const [ended] = rig.history;
    expect(rig.submit({ kind: 'rerun', run: ended as never, triggerId: 'abcd', by: 'ann' })).toMatchObject({
      due: NOW,
      variant: 'rabcd',
      trigger: { kind: 'rerun', by: 'ann', of: ended?.id },
      params: { DAY: 'x' },
    });
  });

  test.each<[string, Command]>([
    ['killed', { kind: 'kill', runId: 'a.20260101T000000Z', by: 'ann' }],
    ['reported', { kind: 'complete', runId: 'a.20260101T000000Z', succeeded: true, by: 'ann' }],
  ])('that is over cannot be %s', (_, command) => {
    const refused = refusal(rigWith({ name: 'a' }), command, 'a.20260101T000000Z');
    expect(refused).toEqual({ code: 'RUN_ENDED', field: 'id', value: 'a.20260101T000000Z' });
  });

  test('whose command says how it did cannot be reported', () => {
    const rig = rigWith({ name: 'a' });
    const { id } = rig.trigger('a');
    expect(refusal(rig, { kind: 'complete', runId: id, succeeded: true, by: 'ann' }, id)).toEqual({
      code: 'OUTCOME_NOT_AWAITED',
      field: 'id',
      value: id,
      allowed: 'runs of jobs with policy.completion: callback',
    });
  });

  test('that is killed says by whom', () => {
    const rig = rigWith({ name: 'a' });
    const { id } = rig.trigger('a');
    rig.begin('a');
    expect(inWords(rig.submit({ kind: 'kill', runId: id, by: 'ann' }))).toMatchObject({
      state: 'running',
      kill: { at: NOW, by: 'ann', as: 'killed', reason: 'killed by ann' },
    });
  });
});

describe('marking a job as succeeded', () => {
  const mark: Command = { kind: 'mark-success', name: 'a', triggerId: 'abcd', by: 'ann' };

  test.each<[string, number | null, object]>([
    ['that never ran makes a run of now', null, { variant: 'mabcd', trigger: { kind: 'manual', by: 'ann' } }],
    ['that succeeded makes a run of now', 0, { variant: 'mabcd', trigger: { kind: 'manual', by: 'ann' } }],
    [
      'that failed stands for the run that failed',
      1,
      { variant: 'rabcd', trigger: { kind: 'rerun', by: 'ann' } },
    ],
  ])('%s', (_, exitCode, expected) => {
    const rig = rigWith({ name: 'a' });
    if (exitCode !== null) {
      rig.trigger('a');
      rig.end('a', exitCode);
    }
    rig.now += 60_000;
    const due = exitCode === 1 ? NOW : rig.now;
    const made = rig.submit(mark);
    expect(made).toMatchObject({ due, state: 'succeeded', ...expected });
    if (exitCode === 1) expect(made).toMatchObject({ trigger: { of: rig.history[0]?.id } });
  });
});
