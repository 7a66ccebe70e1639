import { describe, expect, test } from 'vitest';
import { beginBy, disturbances, heldUntil } from './calm.ts';
import type { Fault } from './history.ts';
import { bounds, sec } from './made-up.ts';

const roster = { schedulers: 3, zookeepers: 3 };
const fault = (given: Partial<Fault>): Fault => ({
  kind: 'kill',
  on: 'scheduler',
  target: 's1',
  from: sec(10),
  to: sec(30),
  led: true,
  ...given,
});

/** Seconds after the start by which what is due at `due` seconds must have begun. */
const by = (due: number, faults: readonly Fault[], engine: 'process' | 'container' = 'process'): number =>
  (beginBy(sec(due), disturbances(faults, roster, bounds, engine), bounds) - sec(0)) / 1_000;

describe('by when what is due must have begun', () => {
  test.each<{ story: string; due: number; faults: Fault[]; by: number; engine?: 'container' }>([
    { story: 'within the slack in calm time', due: 5, faults: [], by: 6 },
    { story: 'the death of a follower changes nothing', due: 11, faults: [fault({ led: false })], by: 12 },
    {
      story: 'the death of a leader costs a take-over and its backlog',
      due: 11,
      faults: [fault({})],
      by: 18.2,
    },
    { story: 'so does that of a node that may have led', due: 11, faults: [fault({ led: null })], by: 18.2 },
    { story: 'and when it comes back, nothing', due: 31, faults: [fault({})], by: 32 },
    {
      story: 'what was due just before the leader died may be late too',
      due: 9.5,
      faults: [fault({})],
      by: 18.2,
    },
    { story: 'long before it, it may not', due: 8.5, faults: [fault({})], by: 9.5 },
    {
      story: 'without a quorum until it is back and all have found themselves',
      due: 25,
      faults: [
        fault({ on: 'zookeeper', target: 'zk1', led: false }),
        fault({ on: 'zookeeper', target: 'zk2', led: false, from: sec(20), to: sec(28) }),
      ],
      // 28 + 3 boot + 3 ensemble + 6 take-over, merged with what zk1's death at 10 and return at 30 cost.
      by: 40 + 0.2 * 20 + 1,
    },
    {
      story: 'with one server of three lost, once the ensemble has found itself',
      due: 11,
      faults: [fault({ on: 'zookeeper', target: 'zk1', led: false })],
      by: 13 + 0.2 * 3 + 1,
    },
    {
      story: 'with no scheduler left until one is back',
      due: 25,
      faults: [
        fault({ target: 's1' }),
        fault({ target: 's2', from: sec(20) }),
        fault({ target: 's3', from: sec(22), to: sec(26) }),
      ],
      by: 38 + 0.2 * 18 + 1,
    },
    {
      story: 'the engine of containers holds up containers',
      due: 11,
      faults: [fault({ on: 'engine', target: 'dockerd', led: false, to: sec(15) })],
      engine: 'container',
      by: 19 + 0.2 * 9 + 1,
    },
    {
      story: 'and nothing else',
      due: 11,
      faults: [fault({ on: 'engine', target: 'dockerd', led: false, to: sec(15) })],
      by: 12,
    },
    {
      story: 'a starved machine holds up everything for as long as it is starved',
      due: 11,
      faults: [fault({ on: 'machine', target: 'machine', led: false, to: sec(10.8) })],
      by: 11.8 + 0.2 * 1.8 + 1,
    },
    {
      story: 'and costs the leader its session when that is long',
      due: 11,
      faults: [fault({ on: 'machine', target: 'machine', led: false, to: sec(13) })],
      by: 20 + 0.2 * 10 + 1,
    },
    {
      story: 'a fault that is never healed has no end',
      due: 11,
      faults: [fault({ on: 'engine', target: 'dockerd', led: false, to: null })],
      engine: 'container',
      by: Number.POSITIVE_INFINITY,
    },
  ])('$story', ({ due, faults, by: expected, engine }) => {
    expect(by(due, faults, engine)).toBeCloseTo(expected, 6);
  });

  test('an attempt that was decided when its host died waits for the host', () => {
    const begin = { by: sec(18), decidedAt: sec(9.9) };
    expect(heldUntil(begin, [fault({})], bounds)).toBe(sec(30 + 3 + 6 + 1));
  });

  test('but no longer than until the host is given up', () => {
    const begin = { by: sec(18), decidedAt: sec(9.9) };
    expect(heldUntil(begin, [fault({ to: sec(200) })], bounds)).toBe(sec(10 + 60 + 6 + 1));
  });

  test('an attempt that was decided after the death waits for nobody', () => {
    const begin = { by: sec(18), decidedAt: sec(12) };
    expect(heldUntil(begin, [fault({})], bounds)).toBe(sec(18));
  });
});
