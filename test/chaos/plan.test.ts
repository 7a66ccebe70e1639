import { describe, expect, test } from 'vitest';
import { chooseTarget, planFaults, type Standing } from './plan.ts';
import { Random } from './random.ts';

const member = (name: string, given: Partial<Standing> = {}): Standing => ({
  name,
  on: name.startsWith('zk') ? 'zookeeper' : 'scheduler',
  leads: false,
  faulty: false,
  unsettled: given.faulty === true ? 'pause' : null,
  ...given,
});
const ensemble = (faulty: readonly string[]): Standing[] =>
  ['zk1', 'zk2', 'zk3'].map((name) => member(name, { leads: name === 'zk1', faulty: faulty.includes(name) }));

describe('the plan of faults', () => {
  const scope = { minutes: 5, docker: true, alone: false };

  test('follows from the seed alone', () => {
    expect(planFaults(new Random(7), scope)).toEqual(planFaults(new Random(7), scope));
    expect(planFaults(new Random(7), scope)).not.toEqual(planFaults(new Random(8), scope));
  });

  test('has every kind of fault within a few minutes', () => {
    const kinds = new Set(
      planFaults(new Random(1), { ...scope, minutes: 30 }).map(({ on, kind }) => `${on} ${kind}`),
    );
    expect([...kinds].sort()).toEqual([
      'engine kill',
      ...['scheduler', 'zookeeper'].flatMap((on) =>
        ['cut-off', 'isolate', 'kill', 'pause'].map((kind) => `${on} ${kind}`),
      ),
    ]);
  });

  test('leaves a node by itself its network', () => {
    const plan = planFaults(new Random(1), { minutes: 30, docker: false, alone: true });
    expect(new Set(plan.map(({ on, kind }) => `${on} ${kind}`))).toEqual(
      new Set(['scheduler kill', 'scheduler pause']),
    );
  });
});

describe('whom a fault hits', () => {
  test.each([
    { story: 'the leader when it is aimed at', aim: 'leader', forMs: 5_000, faulty: [], hits: ['zk1'] },
    { story: 'another when it is not', aim: 'other', forMs: 5_000, faulty: [], hits: ['zk2', 'zk3'] },
    { story: 'somebody who is well', aim: 'leader', forMs: 5_000, faulty: ['zk1'], hits: ['zk2', 'zk3'] },
    {
      story: 'nobody when that costs the quorum for long',
      aim: 'other',
      forMs: 16_000,
      faulty: ['zk2'],
      hits: [null],
    },
    {
      story: 'nobody when only one is left',
      aim: 'other',
      forMs: 5_000,
      faulty: ['zk1', 'zk2'],
      hits: [null],
    },
  ] as const)('$story', ({ aim, forMs, faulty, hits }) => {
    const found = Array.from({ length: 30 }, (_, seed) =>
      chooseTarget(new Random(seed), { on: 'zookeeper', kind: 'pause', aim, forMs }, ensemble(faulty)),
    );
    expect([...new Set(found)].sort()).toEqual([...hits]);
  });

  test.each([
    { story: 'nobody is killed while another is away', kind: 'kill', zk2: { faulty: true }, hits: null },
    {
      story: 'nobody is killed while another comes back',
      kind: 'kill',
      zk2: { unsettled: 'pause' },
      hits: null,
    },
    {
      story: 'nobody is hit while another comes back',
      kind: 'pause',
      zk2: { unsettled: 'cut-off' },
      hits: null,
    },
    {
      story: 'nobody is hit while another is killed',
      kind: 'pause',
      zk2: { faulty: true, unsettled: 'kill' },
      hits: null,
    },
    {
      story: 'one more is cut off while another is paused, and the quorum is lost',
      kind: 'cut-off',
      zk2: { faulty: true, unsettled: 'pause' },
      hits: 'zk1',
    },
  ] as const)('of the servers of ZooKeeper $story', ({ kind, zk2, hits }) => {
    const members = [member('zk1', { leads: true }), member('zk2', zk2), member('zk3')];
    expect(chooseTarget(new Random(1), { on: 'zookeeper', kind, aim: 'leader', forMs: 5_000 }, members)).toBe(
      hits,
    );
  });

  test('the last scheduler only for a short time', () => {
    const members = [member('s1', { faulty: true }), member('s2')];
    expect(
      chooseTarget(new Random(1), { on: 'scheduler', kind: 'kill', aim: 'other', forMs: 60_000 }, members),
    ).toBe(null);
    expect(
      chooseTarget(new Random(1), { on: 'scheduler', kind: 'kill', aim: 'other', forMs: 5_000 }, members),
    ).toBe('s2');
  });
});
