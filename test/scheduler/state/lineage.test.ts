/** Where branches of one rerun meet again, and what a job below them waits for. */

import { describe, expect, test } from 'vitest';
import type { ParentEnd } from '../../../src/dag/ready.ts';
import { holdBack, MAX_HELD } from '../../../src/scheduler/state/lineage.ts';

const end = (parent: string, more: Partial<ParentEnd> = {}): ParentEnd =>
  ({ parent, due: 0, variant: 'r1', outcome: 'succeeded', runId: `${parent}-run`, ...more }) as ParentEnd;

const names = (ends: readonly ParentEnd[]): string[] =>
  ends.map(({ parent, variant }) => `${parent} ${variant}`);

describe('an ending', () => {
  test('of a parent that is no branch goes on at once', () => {
    const held = [end('b')];
    expect(holdBack(held, end('x'), ['a', 'b'])).toEqual({ held, released: [end('x')] });
  });

  test('of the first branch is held, until the last has ended too', () => {
    const first = holdBack([], end('a'), ['a', 'b', 'c']);
    expect([names(first.held), first.released]).toEqual([['a r1'], []]);
    const second = holdBack(first.held, end('c'), ['a', 'b', 'c']);
    expect([names(second.held), second.released]).toEqual([['a r1', 'c r1'], []]);
    const third = holdBack(second.held, end('b'), ['a', 'b', 'c']);
    expect([third.held, names(third.released)]).toEqual([[], ['a r1', 'c r1', 'b r1']]);
  });

  test('of the same branch stands for the one before', () => {
    const held = [end('a', { runId: 'old' }), end('b')];
    const met = holdBack(held, end('a', { runId: 'new' }), ['a', 'b']);
    expect([met.held, met.released.map(({ runId }) => runId)]).toEqual([[], ['b-run', 'new']]);
  });

  test.each([
    ['another rerun', { variant: 'r2' }],
    ['another due time', { due: 5 }],
  ])('of %s waits for its own, and leaves these alone', (_, other) => {
    const held = [end('a', other)];
    const waiting = holdBack(held, end('b'), ['a', 'b']);
    expect([waiting.held, waiting.released]).toEqual([[end('a', other), end('b')], []]);
    const met = holdBack([end('a', other), end('a')], end('b'), ['a', 'b']);
    expect([met.held, met.released]).toEqual([[end('a', other)], [end('a'), end('b')]]);
  });

  test('that failed goes before those that succeeded', () => {
    const failed = end('b', { outcome: 'failed' });
    expect(holdBack([end('a'), failed], end('c'), ['a', 'b', 'c']).released).toEqual([
      failed,
      end('a'),
      end('c'),
    ]);
    expect(holdBack([end('a'), end('c')], failed, ['a', 'b', 'c']).released).toEqual([
      failed,
      end('a'),
      end('c'),
    ]);
    expect(holdBack([failed, end('a')], end('c'), ['a', 'b', 'c']).released).toEqual([
      failed,
      end('a'),
      end('c'),
    ]);
  });

  test('that waits too long behind others goes first', () => {
    const held = Array.from({ length: MAX_HELD }, (_, i) => end('a', { variant: `r${i}` }));
    const next = holdBack(held, end('a', { variant: 'new' }), ['a', 'b']);
    expect(next.held).toHaveLength(MAX_HELD);
    expect([names(next.held)[0], names(next.held).at(-1)]).toEqual(['a r1', 'a new']);
  });
});
