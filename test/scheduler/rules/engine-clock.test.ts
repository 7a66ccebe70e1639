/** An engine has a clock of its own: what it tells cannot contradict what the leader knows. */

import { describe, expect, test } from 'vitest';
import { Rig } from '../../support/rig.ts';

const seconds = (ms: number | null | undefined, from: number): number | null =>
  ms == null ? null : (ms - from) / 1_000;

/** A run that was decided at 0 and launched; the leader's clock shows 10 seconds later. */
function launched() {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const launchName = rig.trigger('a').attempts[0]?.launchName ?? '';
  const decided = rig.now;
  rig.now += 10_000;
  const at = (second: number): number => decided + second * 1_000;
  const tell = (observation: object): void =>
    rig.event({ kind: 'observed', now: rig.now, observation: { launchName, ...observation } as never });
  const times = (): (number | null)[] => {
    const [attempt] = (rig.history[0] ?? rig.runOf('a')).attempts;
    return [seconds(attempt?.startedAt, decided), seconds(attempt?.endedAt, decided)];
  };
  return { rig, launchName, at, tell, times };
}

describe('a run that the engine says started', () => {
  test.each([
    ['since it was decided started then', 4, 4],
    ['before it was decided started when it was', -5, 0],
    ['in the future started when it was told', 99, 10],
  ])('%s', (_, second, started) => {
    const { at, tell, times } = launched();
    tell({ kind: 'started', at: at(second) });
    expect(times()).toEqual([started, null]);
  });

  test.each([
    ['since it was decided started then', 4, 4],
    ['before it was decided started when it was', -5, 0],
    ['in the future started when it was told', 99, 10],
  ])('%s, when an inventory tells', (_, second, started) => {
    const { rig, launchName, at, times } = launched();
    rig.inventory([{ launchName, state: 'running', startedAt: at(second) }], false);
    expect(times()).toEqual([started, null]);
  });
});

describe('a run that the engine says ended', () => {
  test.each([
    ['after it started ended then', 4, 7, [4, 7]],
    ['before it started ended when it started', 4, 1, [4, 4]],
    ['before it was decided took no time', -9, -5, [0, 0]],
    ['in the future ended when it was told', 4, 99, [4, 10]],
  ])('%s', (_, start, end, times) => {
    const told = launched();
    told.tell({ kind: 'started', at: told.at(start) });
    told.tell({ kind: 'ended', at: told.at(end), exitCode: 0 });
    expect(told.times()).toEqual(times);
  });

  test('and of whose start nothing was heard started when the engine says', () => {
    const { at, tell, times } = launched();
    tell({ kind: 'ended', at: at(7), startedAt: at(3), exitCode: 0 });
    expect(times()).toEqual([3, 7]);
  });

  test('and never started has no start', () => {
    const { at, tell, times } = launched();
    tell({ kind: 'ended', at: at(7), exitCode: 126 });
    expect(times()).toEqual([null, 7]);
  });
});
