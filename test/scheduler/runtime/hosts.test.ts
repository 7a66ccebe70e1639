/** Engines of other nodes: when they are asked, what is heard of them, and whether they take launches. */

import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/scheduler/event.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type {
  Changes,
  LaunchReport,
  LocalEngine,
  Member,
  Observation,
  Ticket,
} from '../../../src/scheduler/ports.ts';
import { type HostEngine, Hosts } from '../../../src/scheduler/runtime/hosts.ts';
import { testMember } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

const there: HostEngine = { engine: 'process', host: 'n2' };
const started: Observation = { kind: 'started', launchName: 'x', at: 5 };
const spec = { launchName: 'x', engine: 'process' } as LaunchSpec;

const down = async (): Promise<never> => {
  throw new Error('nobody there');
};

/** Nodes that answer as the test says, and what came in of it. */
function rig({ asksAtIntervals = false } = {}) {
  const clock = new SimClock(Date.parse('2026-01-01T00:00:00Z'));
  const logged: string[] = [];
  const asked: string[] = [];
  const seen: unknown[] = [];
  const launched: Ticket[] = [];
  const parts = {
    unfinished: [] as HostEngine[],
    unclear: false,
    reachable: true,
    members: [testMember] as Member[],
    answer: async (): Promise<LaunchReport[]> => [],
    /** Waits for a second, and then nothing has happened. */
    changes: async (after: Ticket | null): Promise<Changes | null> => {
      const ticket = { boot: 1, at: clock.monotonicMs(), seq: after?.seq ?? 0 };
      if (after === null) return { ticket, observations: null };
      await new Promise<void>((resolve) => void clock.after(1_000, resolve));
      return { ticket, observations: [] };
    },
  };
  const engineOf = ({ host }: { host: string | null }): LocalEngine => ({
    inventory: () => {
      asked.push(`inventory of ${host}`);
      return parts.answer();
    },
    changes: async (_, after) => {
      asked.push(`changes of ${host}`);
      return asksAtIntervals ? null : parts.changes(after);
    },
    launchFor: async (_, ticket) => void launched.push(ticket),
    kill: async () => undefined,
    takeBack: async () => undefined,
    remove: async () => undefined,
  });
  const note = (_: object, event: string): void => void logged.push(event);
  const hosts = new Hosts({
    term: 7,
    self: testMember,
    engineHosts: () => [],
    members: () => parts.members,
    engineOf: (at) => (parts.reachable ? engineOf(at) : undefined),
    unfinished: () => parts.unfinished,
    isUnclear: () => parts.unclear,
    running: () => new Set(),
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    post: (event: Exclude<Event, { kind: 'command' }>) => {
      if (event.kind === 'inventory') seen.push(`inventory of ${event.inventory.host}`);
      else if (event.kind === 'host-lost') seen.push(`${event.host} lost`);
      else if (event.kind === 'nodes')
        seen.push(event.nodes.flatMap(({ id, silent }) => (silent === undefined ? [id] : [])));
      else if (event.kind === 'observed') seen.push(event.observation);
    },
  });
  const start = (): Promise<void> => {
    hosts.start();
    return clock.settle();
  };
  const count = (what: string): number => asked.filter((each) => each === what).length;
  return { clock, logged, asked, seen, launched, parts, hosts, start, count };
}

const joined = (id: string): Member => ({
  ...testMember,
  id,
  labels: { zone: 'b' },
  capacity: { process: 4 },
});

describe('a node that takes launches', () => {
  test('is announced once it has told what it runs, and is asked on', async () => {
    const { clock, seen, parts, start, count } = rig();
    parts.members = [testMember, joined('n2')];
    await start();
    expect(seen).toEqual(['inventory of n2', ['n2']]);
    await clock.advance(10_000);
    expect(seen).toHaveLength(2);
    expect(count('changes of n2')).toBeGreaterThan(9);
  });

  test('tells what happens at once', async () => {
    const { seen, parts, start } = rig();
    parts.members = [testMember, joined('n2')];
    const { changes } = parts;
    let told = false;
    parts.changes = async (after) => {
      if (after === null || told) return changes(after);
      told = true;
      return { ticket: { ...after, seq: 1 }, observations: [started] };
    };
    await start();
    expect(seen).toContainEqual(started);
  });

  test('tells all that it runs again every half minute, and when its answers do not continue', async () => {
    const { clock, parts, start, count } = rig();
    parts.members = [testMember, joined('n2')];
    await start();
    await clock.advance(31_000);
    expect(count('inventory of n2')).toBe(2);
    const { changes } = parts;
    parts.changes = async () => {
      parts.changes = changes;
      return changes(null);
    };
    await clock.advance(3_000);
    expect(count('inventory of n2')).toBe(3);
  });

  test('tells it each second while it is unclear what an older leader began there', async () => {
    const { clock, parts, start, count } = rig();
    parts.members = [testMember, joined('n2')];
    parts.unclear = true;
    await start();
    await clock.advance(3_500);
    expect(count('inventory of n2')).toBe(4);
    parts.unclear = false;
    await clock.advance(10_000);
    expect(count('inventory of n2')).toBe(4);
  });

  test('gets launches with its newest ticket', async () => {
    const { clock, parts, hosts, launched, start } = rig();
    parts.members = [testMember, joined('n2')];
    await start();
    await clock.advance(20_000);
    await hosts.launch('n2', spec, () => true);
    expect(launched.map(({ at }) => clock.monotonicMs() - at <= 2_000)).toEqual([true]);
  });

  test('gets none once it is not awaited or this leader may be deposed', async () => {
    const { parts, hosts, launched, start } = rig();
    parts.members = [testMember, joined('n2')];
    await start();
    await expect(hosts.launch('n2', spec, () => false)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect(launched).toEqual([]);
  });

  test('is announced no more once it has left, or does not answer, until it does', async () => {
    const { clock, seen, parts, start } = rig();
    parts.members = [testMember, joined('n2'), joined('n3')];
    await start();
    parts.members = [testMember, joined('n2')];
    await clock.advance(1_000);
    expect(seen.at(-1)).toEqual(['n2']);
    const { changes } = parts;
    parts.changes = down;
    await clock.advance(1_000);
    expect(seen.at(-1)).toEqual([]);
    parts.changes = changes;
    await clock.advance(2_000);
    expect(seen.at(-1)).toEqual(['n2']);
  });

  test.each([
    ['another version', { ...joined('n2'), version: '0.0.9' }],
    ['a version that takes no launches', { ...testMember, id: 'n2' }],
  ])('is not one of %s', async (_, member) => {
    const { clock, asked, seen, parts, hosts, start } = rig();
    parts.members = [testMember, member];
    await start();
    await clock.advance(5_000);
    expect([asked, seen]).toEqual([[], []]);
    await expect(hosts.launch('n2', spec, () => true)).rejects.toMatchObject({ code: 'NO_PLACE' });
  });
});

describe('a node with launches of ours', () => {
  test('is asked each second while they are there, if it cannot wait for what happens', async () => {
    const { clock, seen, parts, start } = rig({ asksAtIntervals: true });
    parts.unfinished = [there];
    await start();
    await clock.advance(2_500);
    parts.unfinished = [];
    await clock.advance(60_000);
    expect(seen).toEqual(Array(3).fill('inventory of n2'));
  });

  test('counts as lost when it has not answered for a minute, and is asked on', async () => {
    const { clock, seen, parts, logged, start } = rig();
    parts.unfinished = [there];
    const { changes } = parts;
    parts.changes = down;
    await start();
    await clock.advance(59_999);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(['n2 lost']);
    expect(logged).toEqual([...Array(61).fill('host.silent'), 'host.lost']);
    parts.changes = changes;
    await clock.advance(1_000);
    expect(seen).toEqual(['n2 lost', 'inventory of n2']);
  });

  test('counts as lost likewise when nothing is known of how to reach it', async () => {
    const { clock, seen, parts, start } = rig();
    parts.unfinished = [there];
    parts.reachable = false;
    await start();
    await clock.advance(61_000);
    expect(seen).toEqual(['n2 lost']);
  });

  test('counts its minute anew after each answer, and after each loss', async () => {
    const { clock, seen, parts, start } = rig();
    parts.unfinished = [there];
    const { changes } = parts;
    parts.changes = down;
    await start();
    await clock.advance(50_500);
    parts.changes = changes;
    await clock.advance(3_000);
    parts.changes = down;
    seen.length = 0;
    await clock.advance(58_000);
    expect(seen).toEqual([]);
    await clock.advance(4_000);
    expect(seen).toEqual(['n2 lost']);
    await clock.advance(62_000);
    expect(seen).toEqual(['n2 lost', 'n2 lost']);
  });

  test.each([
    ['answers', async (): Promise<LaunchReport[]> => []],
    ['fails', down],
  ])('that %s after the end is not heard, nor asked again', async (_, late) => {
    const { clock, seen, parts, hosts, start, count } = rig();
    parts.unfinished = [there, { ...there, host: 'n3' }];
    let answer = (): void => undefined;
    parts.answer = () =>
      new Promise((resolve, reject) => {
        answer = () => void late().then(resolve, reject);
      });
    await start();
    hosts.stop();
    answer();
    await clock.advance(61_000);
    expect({ seen, asked: [count('inventory of n2'), count('inventory of n3')] }).toEqual({
      seen: [],
      asked: [1, 1],
    });
  });
});
