/** From what the server says to what the picture shows. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireRun } from '../../src/api/wire/schema.ts';
import { type Address, readAddress, writeAddress } from '../../web/src/graph/address.ts';
import { LiveNodes } from '../../web/src/graph/live-nodes.ts';
import { lineage, marksOf } from '../../web/src/graph/marks.ts';
import { modelOf, sameStructure } from '../../web/src/graph/model.ts';
import { groupNote, noteOf } from '../../web/src/graph/notes.ts';
import { standingOf, standingOfAll, standings } from '../../web/src/graph/state.ts';
import { dags, edgesOf, type Graph, wireGraph, wireNode } from './graph-support.ts';

const last = {
  id: 'a.1',
  state: 'succeeded',
  due: '2026-11-21T02:00:00.000Z',
  endedAt: '2026-11-21T02:00:05.000Z',
} as const;

describe('how a job stands', () => {
  it.each([
    ['has not run yet', {}, 'idle'],
    ['has succeeded', { last }, 'ok'],
    ['failed and has not succeeded since', { last, consecutiveFailures: 2 }, 'failing'],
    ['runs again after it failed', { consecutiveFailures: 2, running: 1 }, 'running'],
    ['runs and is late with it', { running: 1, late: 'It runs longer than usual.' }, 'late'],
    ['waits for its turn', { waiting: 1 }, 'waiting'],
    ['waits for a parent', { last, lacking: [{ due: last.due, parents: ['b'] }] }, 'waiting'],
    ['was skipped the last time', { last: { ...last, state: 'skipped' } }, 'skipped'],
    ['missed its last instant', { last: { ...last, state: 'missed' } }, 'missed'],
    ['is paused', { last, status: 'paused' }, 'paused'],
    ['was disabled by its failures', { consecutiveFailures: 5, status: 'disabled' }, 'disabled'],
  ] as const)('one that %s', (_, said, standing) => {
    expect(standingOf(wireNode('a', said as Parameters<typeof wireNode>[1]))).toBe(standing);
  });

  it('of a group is the most urgent of its jobs', () => {
    const jobs = [
      wireNode('a', { last }),
      wireNode('b', { consecutiveFailures: 1 }),
      wireNode('c', { running: 1 }),
    ];
    expect(standingOfAll(jobs)).toBe('failing');
    expect(groupNote(jobs)).toBe('1 failing, 1 running');
    expect(standings.indexOf('failing')).toBeLessThan(standings.indexOf('running'));
  });

  it.each([
    [
      'names the one parent that is lacking',
      { lacking: [{ due: last.due, parents: ['load'] }] },
      'waits for load',
    ],
    ['counts several', { lacking: [{ due: last.due, parents: ['a', 'b'] }] }, 'waits for 2 parents'],
    ['says how often it failed and when', { last, consecutiveFailures: 3 }, 'failed 3 × 1 min ago'],
    ['says what makes it due', { kind: 'after' }, 'after its parents'],
  ] as const)('a note %s', (_, said, note) => {
    const now = Date.parse('2026-11-21T02:01:30.000Z');
    expect(noteOf(wireNode('x', said as Parameters<typeof wireNode>[1]), now)).toBe(note);
  });
});

describe('groups', () => {
  const team = (name: string, value: string) => wireNode(name, { labels: { team: value } });
  const graph = wireGraph(
    [team('a', 'x'), team('b', 'x'), team('c', 'y'), wireNode('d')],
    [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
      ['c', 'd'],
    ],
  );

  it('stand for their jobs, with one edge for all between two of them', () => {
    const { cards, edges, cardOf } = modelOf(graph, { by: 'team', open: new Set() });
    expect(cards.map(({ title, jobs }) => [title, jobs])).toEqual([
      ['x', ['a', 'b']],
      ['y', ['c']],
      ['d', ['d']],
    ]);
    expect([...edges.from].map((from, e) => [from, edges.to[e]])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(cardOf.get('b')).toBe(0);
  });

  it.each(['constructor', 'toString', '__proto__'])('by a label %s that no job has are none', (by) => {
    const { cards } = modelOf(graph, { by, open: new Set() });
    expect(cards.map(({ title }) => title)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('show their jobs when they are open', () => {
    const { cards } = modelOf(graph, { by: 'team', open: new Set(['x']) });
    expect(cards.map(({ title }) => title)).toEqual(['a', 'b', 'y', 'd']);
  });

  it('are laid out again for another edge, and not for another state', () => {
    const before = modelOf(graph, null);
    const running = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, running: 1, last })) };
    expect(sameStructure(before, modelOf(running, null))).toBe(true);
    expect(sameStructure(before, modelOf({ ...graph, edges: graph.edges.slice(1) }, null))).toBe(false);
    expect(sameStructure(before, modelOf({ ...graph, nodes: graph.nodes.slice(1) }, null))).toBe(false);
  });
});

describe('what stands out', () => {
  it('with a selected card are its ancestors and descendants, and the edges among those', () => {
    fc.assert(
      fc.property(dags, fc.nat(35), (graph, any) => {
        const card = any % graph.count;
        const names = [...Array(graph.count).keys()].map(String);
        const model = {
          ...modelOf(wireGraph(names.map((name) => wireNode(name))), null),
          edges: edgesOf(graph),
        };
        const found = lineage(model, card);
        const related = names
          .map(Number)
          .filter((other) => isAbove(graph, other, card) || isAbove(graph, card, other));
        expect([...found.cards].sort((a, b) => a - b)).toEqual(related);
        for (const edge of found.edges) {
          const [from, to] = graph.pairs[edge]!;
          expect(isAbove(graph, to, card) || isAbove(graph, card, from)).toBe(true);
        }
      }),
    );
  });

  it('are the edges from parents that a waiting round still lacks', () => {
    const waiting = wireNode('c', { lacking: [{ due: last.due, parents: ['b'] }] });
    const graph = wireGraph(
      [wireNode('a'), wireNode('b'), waiting],
      [
        ['a', 'c'],
        ['b', 'c'],
      ],
    );
    const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
    const marks = marksOf(modelOf(graph, null), nodes, { selected: -1, state: null, found: null });
    expect(marks).toMatchObject({ lacking: [1], bright: null, edges: [] });
  });

  it('are the cards of the state that is asked for', () => {
    const graph = wireGraph([wireNode('a', { running: 1 }), wireNode('b')]);
    const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
    const marks = marksOf(modelOf(graph, null), nodes, { selected: -1, state: 'running', found: null });
    expect([...marks.bright!]).toEqual([0]);
  });
});

/** Reached downwards, itself included. */
function isAbove({ pairs }: Graph, above: number, below: number): boolean {
  const seen = new Set([above]);
  for (const node of seen) for (const [from, to] of pairs) if (from === node) seen.add(to);
  return seen.has(below);
}

describe('live nodes', () => {
  const states = [
    'waiting',
    'queued',
    'launching',
    'running',
    'succeeded',
    'failed',
    'timed-out',
    'skipped',
  ] as const;
  const run = (id: string, state: WireRun['state'], at: number): WireRun =>
    ({
      id,
      job: id.split('.')[0],
      state,
      due: '2026-11-21T02:00:00.000Z',
      endedAt: states.indexOf(state as (typeof states)[number]) < 4 ? null : new Date(at).toISOString(),
    }) as WireRun;

  it('count what a reading of all runs would count', () => {
    const news = fc.array(fc.tuple(fc.constantFrom('a.1', 'a.2', 'b.1'), fc.constantFrom(...states)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.array(news, { maxLength: 6 }), (bursts) => {
        const live = new LiveNodes();
        const now = new Map<string, WireRun>();
        const failures = new Map<string, number>();
        let graph = wireGraph([wireNode('a'), wireNode('b')]);
        let at = 0;
        for (const burst of bursts) {
          for (const [id, state] of burst) {
            // An ended run stays ended.
            if (now.get(id)?.endedAt != null) continue;
            at += 1_000;
            const told = run(id, state, at);
            now.set(id, told);
            live.add(told);
            const job = told.job;
            if (state === 'succeeded') failures.set(job, 0);
            if (state === 'failed' || state === 'timed-out') failures.set(job, (failures.get(job) ?? 0) + 1);
          }
          // Ends of runs that were never seen alive are in no count.
          const unseen = [...now.values()].some(({ endedAt }) => endedAt !== null);
          graph = live.apply(graph);
          for (const node of graph.nodes) {
            const own = [...now.values()].filter(({ job }) => job === node.name);
            const count = (...which: string[]) => own.filter(({ state }) => which.includes(state)).length;
            expect(node.consecutiveFailures).toBe(failures.get(node.name) ?? 0);
            if (unseen) continue;
            expect(node.running).toBe(count('launching', 'running'));
            expect(node.waiting).toBe(count('waiting', 'queued'));
          }
        }
      }),
    );
  });

  it('end a run that was under way when the graph was read', () => {
    const live = new LiveNodes();
    live.add(run('a.1', 'succeeded', 1_000));
    const [node] = live.apply(wireGraph([wireNode('a', { running: 1 })])).nodes;
    expect(node).toMatchObject({ running: 0, waiting: 0, last: { id: 'a.1', state: 'succeeded' } });
  });

  it('leave the graph as it is when the news are about other jobs', () => {
    const live = new LiveNodes();
    live.add(run('z.1', 'running', 0));
    const graph = wireGraph([wireNode('a')]);
    expect(live.apply(graph)).toBe(graph);
  });
});

describe('the address', () => {
  it('says the same after being written and read', () => {
    const text = fc.option(fc.string({ minLength: 1, maxLength: 12 }), { nil: null });
    const addresses: fc.Arbitrary<Address> = fc.record({
      job: text,
      depth: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
      round: fc.constantFrom(null, '2026-11-21T02:00:00.000Z'),
      label: text,
      owner: text,
      state: fc.option(fc.constantFrom(...standings), { nil: null }),
      group: text,
      open: fc.array(fc.string({ minLength: 1 }), { maxLength: 3 }),
      selected: text,
      search: fc.string({ maxLength: 12 }),
      table: fc.boolean(),
    });
    fc.assert(
      fc.property(addresses, (address) => {
        const again = readAddress(new URLSearchParams(writeAddress(address).toString()));
        // A round is that of a job.
        expect(again).toEqual(address.job === null ? { ...address, round: null } : address);
      }),
    );
  });

  it('takes what nobody wrote for nothing', () => {
    expect(readAddress(new URLSearchParams('depth=-2&state=happy&view=3d'))).toMatchObject({
      depth: null,
      state: null,
      table: false,
    });
  });
});
