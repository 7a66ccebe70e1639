import { describe, expect, it } from 'vitest';
import { MAX_SPANS, MAX_STARTED_AS, SPAN_GAP_MS } from '../../src/dag/join.ts';
import {
  emptyJoin,
  type Join,
  type JoinSpec,
  MAX_OPEN_ROUNDS,
  MAX_RECENT_ROUNDS,
  missingParents,
  type ParentEnd,
  parentEnded,
  reshape,
  startedAs,
} from '../../src/dag/ready.ts';
import { MAX_SEEN, MAX_UNMET } from '../../src/dag/round.ts';

/**
 * An ending in short: `A@1` succeeded, `A@1!` failed, `A@1-` was skipped; `A@1m7` was triggered by hand with
 * the variant m7, `A@1w7` was too, by a start of all parents, `A@1r7` is a rerun with the variant r7.
 */
function ending(text: string): ParentEnd {
  const found = /^(\w+)@(\d+)(?:([mrw])(\w+))?([!-]?)$/.exec(text);
  if (found === null) throw new Error(`not an ending: ${text}`);
  const [, parent = '', due = '', kind, id = '', sign] = found;
  return {
    parent,
    runId: `${parent}@${due}${kind ?? ''}${id}`,
    due: Number(due),
    variant: kind === undefined ? '' : `${kind}${id}`,
    outcome: sign === '!' ? 'failed' : sign === '-' ? 'skipped' : 'succeeded',
    kind: kind === undefined ? 'scheduled' : kind === 'r' ? 'rerun' : 'manual',
    whole: kind === 'w',
  };
}

const aligned = (when: JoinSpec['when'], ...parents: string[]): JoinSpec => ({
  parents,
  when,
  aligned: true,
});
/** With conditions of single parents: `B` for done, `C` for failed. */
const own = (spec: JoinSpec): JoinSpec => ({
  ...spec,
  conditions: new Map([
    ['B', 'done'],
    ['C', 'failed'],
  ]),
});
const loose = (when: JoinSpec['when'], ...parents: string[]): JoinSpec => ({ parents, when, aligned: false });

/** Per ten: A has two runs in an interval, B has one, C has three. */
const perTen = (when: JoinSpec['when'], ...parents: string[]): JoinSpec => ({
  parents,
  when,
  aligned: false,
  per: { key: (due) => String(Math.floor(due / 10)), expected: (parent) => ({ A: 2, C: 3 })[parent] ?? 1 },
});

/** By the letter that variants have in the short form. */
const lineages: Readonly<Record<string, string>> = { m: 'manual', w: 'manual', r: 'rerun' };

/** Feeds endings one after the other, each through JSON, and tells the firings in short: `3/m7`, `skip 3`. */
function play(spec: JoinSpec, endings: string, from: Join = emptyJoin): { join: Join; log: string } {
  let join = from;
  const said: string[] = [];
  for (const text of endings.split(' ')) {
    const before = JSON.stringify(join);
    const result = parentEnded(join, spec, ending(text));
    expect(JSON.stringify(join), 'the progress given is not changed').toBe(before);
    join = JSON.parse(JSON.stringify(result.join));
    for (const { run, due, variant, lineage } of result.firings) {
      expect(lineage, `the lineage of ${due}/${variant} is that of the ending that named it`).toBe(
        lineages[variant.charAt(0)] ?? 'scheduled',
      );
      said.push(`${run ? '' : 'skip '}${due}${variant === '' ? '' : `/${variant}`}`);
    }
    said.push('.');
  }
  return { join, log: said.join(' ') };
}

type Case = [sentence: string, spec: JoinSpec, endings: string, log: string];

// In the log every ending closes with a dot; what stands before the dot is what that ending made due.
const rules: Record<string, Case[]> = {
  'one start by hand of all parents': [
    [
      'is not judged by an earlier end of one of them',
      aligned('all-succeeded', 'A', 'B'),
      'B@1m1! A@5w7 B@5w7',
      '. . 5/w7 .',
    ],
    [
      'leaves nothing for a later one',
      loose('all-succeeded', 'A', 'B'),
      'A@1m1 A@5w7 B@5w7 B@6m8',
      '. . 5/w7 . .',
    ],
    [
      'is a round where the child counts intervals',
      perTen('all-succeeded', 'A', 'B'),
      'A@5w7 B@5w7',
      '. 5/w7 .',
    ],
    [
      'is completed by a rerun',
      loose('all-succeeded', 'A', 'B'),
      'A@5w7! B@5w7 A@5r8',
      '. skip 5/w7 . 5/r8 .',
    ],
    [
      'fires once on any',
      aligned('any-succeeded', 'A', 'B'),
      'A@5w7 B@5w7 B@6w8! A@6w8',
      '5/w7 . . . 6/w8 .',
    ],
    [
      'may end after a later one',
      loose('all-succeeded', 'A', 'B'),
      'A@6w8 B@6w8 A@5w7 B@5w7',
      '. 6/w8 . . 5/w7 .',
    ],
  ],
  'aligned rounds': [
    ['fire when all parents have succeeded', aligned('all-succeeded', 'A', 'B'), 'A@1 B@1', '. 1 .'],
    ['belong together by due instant', aligned('all-succeeded', 'A', 'B'), 'A@1 A@2 B@2 B@1', '. . 2 . 1 .'],
    ['do not fire twice when told twice', aligned('all-succeeded', 'A', 'B'), 'A@1 A@1 B@1 B@1', '. . 1 . .'],
    [
      'are skipped once when one failed',
      aligned('all-succeeded', 'A', 'B'),
      'A@1! B@1 A@2 B@2',
      '. skip 1 . . 2 .',
    ],
    ['are skipped when one was skipped', aligned('all-succeeded', 'A', 'B'), 'A@1- B@1', '. skip 1 .'],
    ['fire however they end under all-done', aligned('all-done', 'A', 'B', 'C'), 'A@1! B@1- C@1', '. . 1 .'],
    [
      'fire when all failed under all-failed',
      aligned('all-failed', 'A', 'B'),
      'A@1! B@1! A@2! B@2',
      '. 1 . . skip 2 .',
    ],
    ['ignore a job that is no parent', aligned('all-done', 'A', 'B'), 'A@1 X@1', '. .'],
  ],
  'a parent with a condition of its own': [
    [
      'runs the child however it ended, for done',
      own(aligned('all-succeeded', 'A', 'B')),
      'A@1 B@1!',
      '. 1 .',
    ],
    [
      'runs the child when it was skipped, for done',
      own(aligned('all-succeeded', 'A', 'B')),
      'B@1- A@1',
      '. 1 .',
    ],
    ['is waited for all the same', own(aligned('all-succeeded', 'A', 'B')), 'A@1 A@2 B@2', '. . 2 .'],
    ['changes nothing for the others', own(aligned('all-succeeded', 'A', 'B')), 'B@1 A@1!', '. skip 1 .'],
    [
      'runs the child when it failed, for failed',
      own(aligned('all-succeeded', 'A', 'C')),
      'A@1 C@1!',
      '. 1 .',
    ],
    [
      'skips the child when it did not, for failed',
      own(aligned('all-succeeded', 'A', 'C')),
      'A@1 C@1',
      '. skip 1 .',
    ],
    ['counts among any by its own', own(aligned('any-succeeded', 'A', 'C')), 'A@1! C@1!', '. 1 .'],
    [
      'is none of any, if it ended otherwise',
      own(aligned('any-succeeded', 'A', 'C')),
      'C@1 A@1!',
      '. skip 1 .',
    ],
    ['overrules all-done', own(aligned('all-done', 'A', 'C')), 'A@1! C@1', '. skip 1 .'],
    ['holds between other cadences', own(loose('all-succeeded', 'A', 'B')), 'A@1 B@3! A@5', '. 3 . .'],
    ['holds for an interval', own(perTen('all-succeeded', 'A', 'B')), 'A@1 B@2! A@3', '. . 3 .'],
    [
      'runs the child again by a rerun that meets it',
      own(aligned('all-succeeded', 'A', 'C')),
      'A@1 C@1 C@1r8!',
      '. skip 1 . 1/r8 .',
    ],
    [
      'does not by a rerun that only meets what the others need',
      own(aligned('all-succeeded', 'A', 'C')),
      'A@1 C@1! C@1r8',
      '. 1 . .',
    ],
    ['stands alone', own(loose('all-succeeded', 'C')), 'C@1 C@2!', 'skip 1 . 2 .'],
  ],
  'a single parent': [
    [
      'fires at once, whatever started it',
      loose('all-succeeded', 'A'),
      'A@2 A@1 A@3m1 A@3m2',
      '2 . 1 . 3/m1 . 3/m2 .',
    ],
    ['is skipped at once', loose('all-succeeded', 'A'), 'A@1! A@2-', 'skip 1 . skip 2 .'],
    [
      'carries on after a rerun, without a second skip',
      loose('all-succeeded', 'A'),
      'A@1! A@1r1! A@1r2',
      'skip 1 . . 1/r2 .',
    ],
    ['carries on after a rerun of the forgotten', loose('all-succeeded', 'A'), 'A@1r1 A@2r2!', '1/r1 . .'],
    ['fires for each of its own variants', loose('all-failed', 'A'), 'A@1! A@1m1!', '1 . 1/m1 .'],
  ],
  'the loose round': [
    ['is due at the latest entry', loose('all-succeeded', 'A', 'B'), 'B@7 A@3', '. 7 .'],
    ['starts anew after the firing', loose('all-succeeded', 'A', 'B'), 'A@1 B@2 A@3 B@4', '. 2 . . 4 .'],
    ['takes the latest end of a parent', loose('all-succeeded', 'A', 'B'), 'A@1! A@2 B@2', '. . 2 .'],
    [
      'is skipped for the latest end of a parent',
      loose('all-succeeded', 'A', 'B'),
      'A@1 A@2! B@1',
      '. . skip 2 .',
    ],
    [
      'has the variant of its latest entry',
      loose('all-succeeded', 'A', 'B'),
      'A@1 B@2m1 A@3m2 B@4',
      '. 2/m1 . . 4 .',
    ],
    [
      'prefers what a person started at the same instant',
      loose('all-succeeded', 'A', 'B'),
      'A@1 B@1m1',
      '. 1/m1 .',
    ],
    [
      'goes by the order of the parents otherwise',
      loose('all-succeeded', 'A', 'B'),
      'B@1m2 A@1m1',
      '. 1/m1 .',
    ],
    [
      'never uses a due and variant twice',
      loose('all-succeeded', 'A', 'B'),
      'A@4 B@2 B@4 A@3',
      '. 4 . . 4/~B .',
    ],
    [
      'tells late rounds apart for any-* too',
      loose('any-succeeded', 'A', 'B'),
      'A@4 B@2 B@4',
      '4 . . 4/~B .',
    ],
    [
      'tells apart the two branches of one trigger',
      loose('any-succeeded', 'A', 'B'),
      'A@1m1 A@2m2 B@1m1 B@2m2',
      '1/m1 . 2/m2 . . 2/m2~B .',
    ],
  ],
  'what a person triggered, for an aligned child,': [
    [
      'is kept after a round of the same instant',
      aligned('all-succeeded', 'A', 'B'),
      'A@6m1 A@6 B@6 B@7m2',
      '. . 6 . 7/m2 .',
    ],
    ['is joined in the loose round', aligned('all-succeeded', 'A', 'B'), 'A@5m1 B@6m2', '. 6/m2 .'],
    ['does not count for a round of the schedule', aligned('all-succeeded', 'A', 'B'), 'A@5m1 B@5', '. .'],
    [
      'is forgotten after a later round',
      aligned('all-succeeded', 'A', 'B'),
      'A@5m1 A@6 B@6 B@7m2',
      '. . 6 . .',
    ],
    [
      'is kept after an earlier round',
      aligned('all-succeeded', 'A', 'B'),
      'A@5m1 A@4 B@4 B@7m2',
      '. . 4 . 7/m2 .',
    ],
    [
      'begins anew after a later round under any-*',
      aligned('any-succeeded', 'A', 'B'),
      'A@5m1 A@6 B@7m2',
      '5/m1 . 6 . 7/m2 .',
    ],
  ],
  'any-*': [
    ['a rerun finds it due as it fired', loose('any-succeeded', 'A', 'B'), 'A@1 B@5 A@1r1', '1 . . 1/r1 .'],
    [
      'reruns of one variant fire an open round once',
      aligned('any-succeeded', 'A', 'B', 'C'),
      'A@1! A@1r1 B@1r1',
      '. 1/r1 . .',
    ],
    [
      'fires with the first and absorbs the others',
      aligned('any-succeeded', 'A', 'B', 'C'),
      'A@1! B@1 C@1',
      '. 1 . .',
    ],
    ['is skipped when none ended so', aligned('any-succeeded', 'A', 'B'), 'A@1! B@1-', '. skip 1 .'],
    [
      'fires with the first failure',
      aligned('any-failed', 'A', 'B'),
      'A@1! B@1! A@2 B@2',
      '1 . . . skip 2 .',
    ],
    [
      'opens the next loose round when a parent ends again',
      loose('any-succeeded', 'A', 'B'),
      'A@1 A@2 B@2 B@3',
      '1 . 2 . . 3 .',
    ],
    [
      'a rerun that ended so fires at once',
      aligned('any-succeeded', 'A', 'B'),
      'A@1! A@1r1 B@1',
      '. 1/r1 . .',
    ],
  ],
  'a rerun': [
    ['replaces the entry of an open round', aligned('all-succeeded', 'A', 'B'), 'A@1! A@1r1 B@1', '. . 1 .'],
    [
      'carries on from a closed round',
      aligned('all-succeeded', 'A', 'B'),
      'A@1! B@1 A@1r1',
      '. skip 1 . 1/r1 .',
    ],
    [
      'says nothing while the round does not hold',
      aligned('all-succeeded', 'A', 'B'),
      'A@1! B@1! A@1r1 B@1r2! B@1r3',
      '. skip 1 . . . 1/r3 .',
    ],
    [
      'of a success runs the child again',
      aligned('all-succeeded', 'A', 'B'),
      'A@1 B@1 A@1r1',
      '. 1 . 1/r1 .',
    ],
    [
      'through two branches runs the child once',
      aligned('all-succeeded', 'A', 'B'),
      'A@1- B@1- A@1r1 B@1r1',
      '. skip 1 . . 1/r1 .',
    ],
    [
      'through two branches that had succeeded, too',
      aligned('all-succeeded', 'A', 'B'),
      'A@1 B@1 A@1r1 B@1r1',
      '. 1 . 1/r1 . .',
    ],
    [
      'that fails does not set off any-succeeded',
      aligned('any-succeeded', 'A', 'B'),
      'A@1 B@1! B@1r1! B@1r2',
      '1 . . . 1/r2 .',
    ],
    [
      'in an open round that fired fires again',
      aligned('any-succeeded', 'A', 'B'),
      'A@1 A@1r1 B@1',
      '1 . 1/r1 . .',
    ],
    [
      'finds the loose round of its original',
      loose('all-succeeded', 'A', 'B'),
      'A@1! B@2 A@3 A@1r1 B@4',
      '. skip 2 . . 2/r1 . 4 .',
    ],
    [
      'of the forgotten waits for the others’ reruns',
      aligned('all-succeeded', 'A', 'B'),
      'A@1r1 B@2 B@1r2',
      '. . 1/r2 .',
    ],
    [
      'of the forgotten waits in a loose join too',
      loose('all-succeeded', 'A', 'B'),
      'A@1r1 B@9 B@2r2 A@8',
      '. . 2/r2 . 9 .',
    ],
    [
      'finds the loose round of an aligned child',
      aligned('all-succeeded', 'A', 'B'),
      'A@5m1! B@6m2 A@5r1',
      '. skip 6/m2 . 6/r1 .',
    ],
  ],
  'per interval': [
    [
      'counts an earlier ending told twice once',
      perTen('all-done', 'C'),
      'C@11 C@12 C@11 C@13',
      '. . . 13 .',
    ],
    ['waits for all runs of each parent', perTen('all-succeeded', 'A', 'B'), 'A@11 B@15 A@12', '. . 15 .'],
    [
      'keeps intervals apart',
      perTen('all-succeeded', 'A', 'B'),
      'A@11 A@21 B@25 A@22 B@15 A@12',
      '. . . 25 . . 15 .',
    ],
    ['is skipped when one run failed', perTen('all-succeeded', 'A', 'B'), 'A@11! A@12 B@15', '. . skip 15 .'],
    [
      'a rerun makes a failure good while open',
      perTen('all-succeeded', 'A', 'B'),
      'A@11! A@12 A@11r1 B@15',
      '. . . 15 .',
    ],
    [
      'a rerun carries on when closed',
      perTen('all-succeeded', 'A', 'B'),
      'A@11! A@12! B@15 A@11r1 A@12r2',
      '. . skip 15 . . 15/r2 .',
    ],
    ['counts an ending told twice once', perTen('all-done', 'A', 'B'), 'B@15 A@11 A@11 A@12', '. . . 15 .'],
    [
      'any-* waits for the whole interval of a parent',
      perTen('any-succeeded', 'A', 'B'),
      'A@11 A@12 B@13',
      '. 12 . .',
    ],
    [
      'joins what a person triggered loosely',
      perTen('all-succeeded', 'A', 'B'),
      'A@11m1 B@12m2',
      '. 12/m2 .',
    ],
    ['works for a single parent', perTen('all-succeeded', 'A'), 'A@11 A@12 A@21', '. 12 . .'],
    [
      'a rerun stands for a forgotten interval',
      perTen('all-succeeded', 'A', 'B'),
      'A@11r1 B@15r2',
      '. 15/r2 .',
    ],
  ],
};

for (const [rule, cases] of Object.entries(rules)) {
  describe(rule, () => {
    it.each(cases)('%s', (_, spec, endings, log) => {
      expect(play(spec, endings).log).toBe(log);
    });
  });
}

describe('a firing', () => {
  const spec = aligned('all-succeeded', 'A', 'B', 'C', 'D', 'E');

  it('names the runs it comes from in the order of the parents', () => {
    const { join } = play(aligned('all-done', 'B', 'A'), 'A@1');
    const { firings } = parentEnded(join, aligned('all-done', 'B', 'A'), ending('B@1'));
    expect(firings).toEqual([
      { due: 1, variant: '', lineage: 'scheduled', key: 'due:1', parents: ['B@1', 'A@1'], run: true },
    ]);
  });

  it('says why it does not hold, with the first three parents', () => {
    const { join } = play(spec, 'A@1! B@1 C@1- D@1!');
    expect(parentEnded(join, spec, ending('E@1!')).firings).toMatchObject([
      {
        run: false,
        reason: {
          code: 'parents',
          ends: [
            { job: 'A', due: 1, variant: '', outcome: 'failed' },
            { job: 'C', due: 1, variant: '', outcome: 'skipped' },
            { job: 'D', due: 1, variant: '', outcome: 'failed' },
          ],
          more: 1,
        },
      },
    ]);
    const one = play(aligned('all-succeeded', 'A', 'B'), 'A@1!').join;
    expect(parentEnded(one, aligned('all-succeeded', 'A', 'B'), ending('B@1')).firings).toMatchObject([
      {
        run: false,
        reason: { code: 'parents', ends: [{ job: 'A', due: 1, variant: '', outcome: 'failed' }], more: 0 },
      },
    ]);
  });

  it('counts the runs of an interval in its reason', () => {
    const { join } = play(perTen('all-succeeded', 'A', 'B'), 'A@11! A@12');
    expect(parentEnded(join, perTen('all-succeeded', 'A', 'B'), ending('B@15')).firings).toMatchObject([
      { run: false, reason: { ends: [{ job: 'A', outcome: 'failed', runs: { unmet: 1, ended: 2 } }] } },
    ]);
  });
});

/** `A@1 A@2 …` */
const range = (count: number, parent: string) =>
  Array.from({ length: count }, (_, at) => `${parent}@${at + 1}`).join(' ');

describe('bounds', () => {
  it('gives up the oldest of too many open rounds and says so once', () => {
    const spec = aligned('all-succeeded', 'A', 'B');
    const full = play(spec, range(MAX_OPEN_ROUNDS, 'A')).join;
    expect(full.open).toHaveLength(MAX_OPEN_ROUNDS);
    const { join, firings } = parentEnded(full, spec, ending('A@1000'));
    expect(join.open).toHaveLength(MAX_OPEN_ROUNDS);
    expect(firings).toEqual([
      {
        due: 1,
        variant: '',
        lineage: 'scheduled',
        key: 'due:1',
        parents: ['A@1'],
        run: false,
        reason: { code: 'round-given-up', jobs: ['B'], more: 0 },
      },
    ]);
    expect(play(spec, 'B@1', join).log, 'the straggler comes too late').toBe('.');
    expect(play(spec, 'B@1 A@1r1', join).log, 'but a rerun can still carry on').toBe('. 1/r1 .');
  });

  it('knows in a few stretches when rounds were decided, long after the rounds are forgotten', () => {
    const far = 10 * SPAN_GAP_MS;
    const spans = (endings: string) =>
      play(aligned('any-succeeded', 'A'), endings).join.decided?.map(({ from, to }) => `${from}-${to}`);
    expect(spans(`${range(MAX_RECENT_ROUNDS * 2, 'A')} A@${far}- A@${far + 5}m1`)).toEqual([
      `1-${MAX_RECENT_ROUNDS * 2}`,
      `${far}-${far}`,
    ]);
    expect(spans(`A@${far} A@3 A@1`)).toEqual(['1-3', `${far}-${far}`]);
    // The nearest two become one.
    const apart = Array.from({ length: MAX_SPANS + 1 }, (_, k) => k * far - (k === 5 ? 1 : 0));
    const known = spans(apart.map((due) => `A@${due}`).join(' '));
    expect(known).toHaveLength(MAX_SPANS);
    expect(known).toContain(`${4 * far}-${5 * far - 1}`);
  });

  it('gives up the oldest even if it came last, and reports none that fired', () => {
    const spec = aligned('all-succeeded', 'A', 'B');
    const full = play(spec, `A@9 A@7 ${range(MAX_OPEN_ROUNDS - 2, 'A').replaceAll('@', '@1000')}`).join;
    expect(full.open.slice(0, 2).map((round) => round.due)).toEqual([7, 9]);
    expect(play(spec, 'A@8', full).log).toBe('skip 7 .');
    expect(play(spec, 'A@6', full).log).toBe('skip 6 .');
    const any = aligned('any-succeeded', 'A', 'B');
    const fired = play(any, range(MAX_OPEN_ROUNDS, 'A')).join;
    expect(play(any, 'A@1000', fired).log).toBe('1000 .');
  });

  it('tells what comes of a round that was given up and is forgotten apart from it', () => {
    const spec = aligned('all-done', 'A', 'B');
    const many = play(spec, range(MAX_OPEN_ROUNDS + MAX_RECENT_ROUNDS + 1, 'A'));
    expect(many.log).toContain('skip 1 ');
    expect(many.join.recent.some((round) => round.due === 1)).toBe(false);
    expect(play(spec, 'B@1', many.join).log).toBe('skip 1/~B .');
    expect(play(spec, 'B@60 B@61 B@62 B@1 A@1', many.join).log).toBe('60 . 61 . 62 . . 1/~A .');
  });

  it('remembers little of a single parent', () => {
    expect(play(aligned('all-done', 'A'), range(20, 'A')).join.recent).toHaveLength(4);
  });

  it('tells a late loose round apart from one that is forgotten', () => {
    const spec = loose('any-succeeded', 'A', 'B');
    const { join } = play(spec, range(MAX_RECENT_ROUNDS + 6, 'A'));
    expect(play(spec, 'B@2 B@3', join).log).toBe('. 3/~B .');
  });

  it('keeps what an interval remembers of its runs short', () => {
    const runs = 100;
    const spec: JoinSpec = {
      parents: ['A'],
      when: 'all-succeeded',
      aligned: false,
      per: { key: () => 'day', expected: () => runs },
    };
    const { join } = play(
      spec,
      range(runs - 1, 'A')
        .replaceAll(/$| /g, '! ')
        .trim(),
    );
    const tally = join.open[0]!.ends.A!.tally!;
    expect(tally).toMatchObject({ ended: runs - 1, failed: runs - 1 });
    expect(tally.unmet.map((each) => each.due).at(-1)).toBe(runs - 1);
    expect(tally.unmet).toHaveLength(MAX_UNMET);
    expect(tally.seen).toHaveLength(MAX_SEEN);
  });

  it('remembers the latest closed rounds only', () => {
    const spec = aligned('all-succeeded', 'A', 'B');
    const { join } = play(spec, `${range(40, 'A')} ${range(40, 'B')}`);
    expect(join.recent).toHaveLength(MAX_RECENT_ROUNDS);
    expect(join.open).toHaveLength(0);
  });

  it('keeps fewer rounds of a join with many parents', () => {
    const spec = aligned('all-done', ...Array.from({ length: 100 }, (_, at) => `P${at}`));
    expect(play(spec, range(20, 'P0')).join.open).toHaveLength(4);
  });
});

describe('names that objects have', () => {
  it('are parents like any other', () => {
    const spec = aligned('all-succeeded', 'constructor', '__proto__');
    const { join, log } = play(spec, '__proto__@1');
    expect(log).toBe('.');
    expect(missingParents(join.open[0]!, spec)).toEqual(['constructor']);
    expect(play(spec, 'constructor@1', join).log).toBe('1 .');
  });
});

describe('a change of the parents', () => {
  const two = aligned('all-succeeded', 'A', 'B');

  it('keeps the progress of those that stay and asks for the new one', () => {
    const join = reshape(play(two, 'A@1').join, ['A', 'C']);
    expect(missingParents(join.open[0]!, aligned('all-succeeded', 'A', 'C'))).toEqual(['C']);
    expect(play(aligned('all-succeeded', 'A', 'C'), 'C@1', join).log).toBe('1 .');
  });

  it('drops what only the removed parent had and fires nothing', () => {
    const join = reshape(play(two, 'A@1 B@2').join, ['A']);
    expect(join.open).toEqual([]);
    expect(play(aligned('all-succeeded', 'A'), 'A@3', join).log).toBe('3 .');
  });

  it('does not fire a round again whose only ending was of a removed parent', () => {
    const { join, log } = play(aligned('any-succeeded', 'A', 'B'), 'A@1');
    expect(log).toBe('1 .');
    const left = reshape(join, ['B']);
    expect(play(aligned('any-succeeded', 'B'), 'B@1', left).log).toBe('.');
    expect(play(aligned('any-succeeded', 'B'), 'B@2', left).log).toBe('2 .');
  });

  it('keeps the bound when parents are added', () => {
    const many = Array.from({ length: 100 }, (_, at) => (at === 0 ? 'A' : `P${at}`));
    expect(reshape(play(two, range(20, 'A')).join, many).open.map((round) => round.due)).toEqual([
      17, 18, 19, 20,
    ]);
  });

  it('goes on counting an interval of those that stay', () => {
    const join = reshape(play(perTen('all-succeeded', 'A', 'B'), 'A@11').join, ['A']);
    expect(play(perTen('all-succeeded', 'A'), 'A@12', join).log).toBe('12 .');
  });

  it('does not fold open rounds into a loose one that has fired', () => {
    const before = play(aligned('any-succeeded', 'A', 'B'), 'A@1! A@5m1').join;
    expect(play(loose('any-succeeded', 'A', 'B'), 'B@6', before).log).toBe('6 .');
  });

  it('folds open rounds into the loose one when the parents stop sharing a cadence', () => {
    const { join } = play(two, 'A@1 A@2');
    const { join: after, log } = play(loose('all-succeeded', 'A', 'B'), 'B@7', join);
    expect(log).toBe('7 .');
    expect(after.open).toEqual([]);
    expect(after.recent[0]!.ends).toMatchObject({ A: { due: 2 }, B: { due: 7 } });
  });

  it('uses no due a second time when more rounds have fired than are remembered', () => {
    const fired = play(aligned('any-succeeded', 'A', 'B'), range(MAX_OPEN_ROUNDS - 4, 'A')).join;
    const { join, log } = play(loose('any-succeeded', 'A', 'B'), 'B@2 B@4', fired);
    expect(log).toBe('2/~B . 4/~B .');
    expect(play(aligned('any-succeeded', 'A', 'B'), 'B@6 A@99', join).log).toBe('6/~B . 99 .');
  });

  it('uses no due a second time when a new parent comes to instants that are over', () => {
    const both = range(MAX_RECENT_ROUNDS * 2, 'A').replaceAll(/A@(\d+)/g, 'A@$1 B@$1');
    const edited = reshape(play(aligned('any-succeeded', 'A', 'B'), both).join, ['C']);
    expect(play(aligned('any-succeeded', 'C'), 'C@2 C@99', edited).log).toBe('2/~C . 99 .');
  });

  it('does not reuse the due of a loose round once the parents share a cadence', () => {
    const before = play(loose('any-succeeded', 'A', 'B'), 'A@4').join;
    expect(play(aligned('any-succeeded', 'A', 'B'), 'B@4', before).log).toBe('4/~B .');
  });

  it('does not reuse it either when the loose round is no longer known', () => {
    const later = range(MAX_RECENT_ROUNDS * 2, 'A').replaceAll(/@(\d+)/g, (_, due) => `@${Number(due) + 9}`);
    const before = play(loose('any-succeeded', 'A', 'B'), `A@4 ${later}`).join;
    expect(play(aligned('any-succeeded', 'A', 'B'), 'B@4 B@99', before).log).toBe('4/~B . 99 .');
  });

  it('does not reuse it when a single parent is left', () => {
    const before = play(loose('any-succeeded', 'A', 'B'), 'A@4! B@3! A@11 A@12 A@13 A@14 A@15').join;
    expect(play(aligned('any-succeeded', 'B'), 'B@4', reshape(before, ['B'])).log).toBe('4/~B .');
  });

  it('uses no due of a skipped round a second time when a new parent comes to it', () => {
    const both = range(MAX_RECENT_ROUNDS * 2, 'A').replaceAll(/A@(\d+)/g, 'A@$1! B@$1!');
    const edited = reshape(play(aligned('any-succeeded', 'A', 'B'), both).join, ['C']);
    expect(play(aligned('any-succeeded', 'C'), 'C@2 C@99', edited).log).toBe('2/~C . 99 .');
  });

  it('takes no due of a start by hand for one of the loose rounds', () => {
    const { join } = play(loose('any-succeeded', 'A', 'B'), 'A@4 A@50m1');
    expect(play(aligned('any-succeeded', 'A', 'B'), 'B@20', join).log).toBe('20 .');
  });
});

describe('a run that a user began at the child', () => {
  const begun = (...dues: number[]): Join =>
    dues.reduce((join, due) => startedAs(join, ['A'], { due, variant: 'm7' }), emptyJoin);

  it('keeps its due time and variant to itself', () => {
    expect(play(loose('all-succeeded', 'A'), 'A@3m7 A@4m7 A@5', begun(3)).log).toBe('3/m7~A . 4/m7 . 5 .');
  });

  it('keeps them when the parents change, and when it is one of many', () => {
    const many = Array.from({ length: MAX_STARTED_AS + 1 }, (_, i) => i + 1);
    expect(play(loose('all-succeeded', 'B'), 'B@1m7 B@2m7', reshape(begun(1, 2), ['B'])).log).toBe(
      '1/m7~B . 2/m7~B .',
    );
    expect(play(loose('all-succeeded', 'A'), 'A@1m7 A@17m7 A@18m7', begun(...many)).log).toBe(
      '1/m7~A . 17/m7~A . 18/m7 .',
    );
  });
});
