import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyOrder, checkParents } from '../../src/dag/check.ts';
import { Graph } from '../../src/dag/graph.ts';
import { topologicalLevels, treeOrder } from '../../src/dag/order.ts';
import { criticalPath } from '../../src/dag/path.ts';
import {
  type Condition,
  emptyJoin,
  type Firing,
  type Join,
  type JoinSpec,
  MAX_OPEN_ROUNDS,
  MAX_RECENT_ROUNDS,
  type Outcome,
  type ParentEnd,
  parentEnded,
} from '../../src/dag/ready.ts';
import { CarillonError } from '../../src/errors.ts';
import { inOneGo } from '../../src/job-file/json-text.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const jobName = fc.constantFrom(...names);
const change = fc.record({ child: jobName, parents: fc.uniqueArray(jobName, { maxLength: 3 }) });
type Edges = ReadonlyMap<string, readonly string[]>;

/** Oracle: Kahn on the whole. How many jobs can be put in order? All of them if there is no cycle. */
function hasCycle(edges: Edges): boolean {
  const left = new Set([...edges.keys(), ...[...edges.values()].flat()]);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const name of [...left]) {
      if (!(edges.get(name) ?? []).some((parent) => left.has(parent))) left.delete(name);
    }
  }
  return left.size > 0;
}

function graphOf(edges: Iterable<readonly [string, readonly string[]]>): Graph {
  const graph = new Graph();
  for (const [child, parents] of edges) graph.setParents(child, parents);
  return graph;
}

function codeOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof CarillonError) return error.code;
    throw error;
  }
}

/** A path is a cycle of the edges if each name is a parent of the next and it ends where it began. */
function isCycle(path: readonly string[], edges: Edges): boolean {
  const closed = path.length > 1 && path[0] === path.at(-1);
  return closed && path.slice(1).every((child, at) => edges.get(child)?.includes(path[at]!) ?? false);
}

function cycleNamed(act: () => unknown): readonly string[] | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof CarillonError) return error.details.names ?? [];
    throw error;
  }
}

/** Names may be linked in one direction only, so every such graph is without cycles. */
const acyclic = fc
  .tuple(fc.shuffledSubarray(names, { minLength: names.length }), fc.array(fc.tuple(fc.nat(6), fc.nat(6))))
  .map(([order, pairs]) => {
    const edges = new Map<string, string[]>();
    for (const [x, y] of pairs) {
      if (x === y) continue;
      const child = order[Math.max(x, y)]!;
      edges.set(child, [...new Set([...(edges.get(child) ?? []), order[Math.min(x, y)]!])]);
    }
    return edges;
  });

describe('the graph', () => {
  it('refuses exactly the changes that would make a cycle, and names one that is there', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const edges = new Map<string, readonly string[]>();
        const graph = new Graph();
        for (const { child, parents } of changes) {
          const after = new Map(edges).set(child, parents);
          const path = cycleNamed(() => checkParents(graph, child, parents, () => true));
          expect(path !== null).toBe(hasCycle(after));
          if (path !== null) {
            expect(isCycle(path, after)).toBe(true);
            continue;
          }
          graph.setParents(child, parents);
          edges.set(child, parents);
        }
      }),
    );
  });

  it('reads the same whatever was there before and in whatever order jobs came', () => {
    fc.assert(
      fc.property(acyclic, fc.array(change), fc.infiniteStream(fc.nat()), (edges, noise, keys) => {
        const shuffled = [...edges].map((edge) => ({ edge, key: keys.next().value as number }));
        shuffled.sort((x, y) => x.key - y.key);
        const plain = graphOf(edges);
        const other = graphOf(noise.map(({ child, parents }) => [child, parents.filter((p) => p !== child)]));
        for (const name of names) other.remove(name);
        expect([...other.linked()]).toEqual([]);
        for (const { edge } of shuffled) other.setParents(...edge);
        expect([...other.linked()].sort()).toEqual([...plain.linked()].sort());
        for (const name of names) {
          expect(other.parentsOf(name)).toEqual(plain.parentsOf(name));
          expect(other.childrenOf(name)).toEqual(plain.childrenOf(name));
          expect(other.childrenOf(name)).toEqual(names.filter((child) => edges.get(child)?.includes(name)));
          expect(other.descendants(name).sort()).toEqual(
            names.filter((child) => plain.ancestors(child).includes(name)),
          );
        }
        expect(inOneGo(topologicalLevels(other, names))).toEqual(
          inOneGo(topologicalLevels(plain, names.toReversed())),
        );
      }),
    );
  });

  it('puts every job exactly one level below its lowest parent', () => {
    fc.assert(
      fc.property(acyclic, (edges) => {
        const levels = inOneGo(topologicalLevels(graphOf(edges), names));
        expect(levels.flat().sort()).toEqual(names);
        const levelOf = (name: string) => levels.findIndex((level) => level.includes(name));
        for (const name of names) {
          expect(levelOf(name)).toBe(Math.max(-1, ...(edges.get(name) ?? []).map(levelOf)) + 1);
        }
      }),
    );
  });

  it('lists every job once in the order of a tree, behind all its parents', () => {
    fc.assert(
      fc.property(acyclic, (edges) => {
        const levels = inOneGo(topologicalLevels(graphOf(edges), names));
        const placed = inOneGo(treeOrder(graphOf(edges), names.toReversed()));
        const order = placed.map(({ name }) => name);
        expect([...order].sort()).toEqual(names);
        for (const { name, level } of placed) {
          expect(levels[level]).toContain(name);
          for (const parent of edges.get(name) ?? [])
            expect(order.indexOf(parent)).toBeLessThan(order.indexOf(name));
        }
      }),
    );
  });

  it('finds the longest of all chains', () => {
    fc.assert(
      fc.property(acyclic, fc.array(fc.nat(9), { minLength: 7, maxLength: 7 }), (edges, durations) => {
        const durationMs = (name: string) => durations[names.indexOf(name)]!;
        const longestTo = (name: string): number =>
          durationMs(name) + Math.max(0, ...(edges.get(name) ?? []).map(longestTo));
        for (const name of names) {
          const { path, totalMs } = inOneGo(criticalPath(graphOf(edges), name, durationMs));
          expect(totalMs).toBe(longestTo(name));
          expect(path.reduce((sum, each) => sum + durationMs(each), 0)).toBe(totalMs);
          expect(path.slice(1).every((child, at) => edges.get(child)?.includes(path[at]!))).toBe(true);
        }
      }),
    );
  });

  it('orders many jobs at once, or refuses exactly those that form a cycle with what is there', () => {
    const jobs = fc.uniqueArray(
      fc.record({ name: jobName, parents: fc.uniqueArray(jobName, { maxLength: 3 }) }),
      {
        selector: (job) => job.name,
      },
    );
    fc.assert(
      fc.property(acyclic, jobs, (edges, applied) => {
        const after = new Map<string, readonly string[]>(edges);
        for (const { name, parents } of applied) after.set(name, parents);
        const graph = graphOf(edges);
        const order = () => applyOrder(applied, graph, () => true);
        expect(codeOf(order)).toBe(hasCycle(after) ? 'DEPENDENCY_CYCLE' : null);
        if (hasCycle(after)) {
          expect(isCycle(cycleNamed(order)!, after)).toBe(true);
          return;
        }
        expect(applyOrder(applied.toReversed(), graph, () => true)).toEqual(order());
        // Applied one by one in this order, none is refused on the way for a parent still to come.
        const present = new Set(names.filter((name) => !applied.some((job) => job.name === name)));
        for (const name of order()) {
          expect(after.get(name)!.every((parent) => present.has(parent))).toBe(true);
          present.add(name);
        }
      }),
    );
  });
});

const outcome = fc.constantFrom<Outcome>('succeeded', 'failed', 'skipped');
const trigger = fc.constantFrom<JoinSpec['when']>(
  'all-succeeded',
  'all-done',
  'all-failed',
  'any-succeeded',
  'any-failed',
);

function scheduled(parent: string, due: number, how: Outcome): ParentEnd {
  return { parent, runId: `${parent}@${due}`, due, variant: '', outcome: how, kind: 'scheduled' };
}

/** Feeds the endings one by one, each through JSON, and keeps the place at which each firing came. */
function play(
  spec: JoinSpec,
  ends: readonly ParentEnd[],
): { join: Join; firings: (Firing & { at: number })[] } {
  let join: Join = emptyJoin;
  const firings: (Firing & { at: number })[] = [];
  for (const [at, end] of ends.entries()) {
    const direct = parentEnded(join, spec, end);
    const result = parentEnded(JSON.parse(JSON.stringify(join)), spec, end);
    expect(result).toEqual(direct);
    join = result.join;
    expect(join.open.length).toBeLessThanOrEqual(MAX_OPEN_ROUNDS);
    expect(join.recent.length).toBeLessThanOrEqual(MAX_RECENT_ROUNDS);
    for (const firing of result.firings) firings.push({ ...firing, at });
  }
  return { join, firings };
}

/** Rounds of two to four parents with any outcomes, their endings in any order, some told twice in a row. */
const interleaved = fc
  .record({
    parents: fc.shuffledSubarray(['p', 'q', 'r', 's'], { minLength: 2 }),
    rounds: fc.integer({ min: 1, max: 8 }),
  })
  .chain(({ parents, rounds }) => {
    const pairs = parents.flatMap((parent) => Array.from({ length: rounds }, (_, due) => ({ parent, due })));
    return fc
      .array(outcome, { minLength: pairs.length, maxLength: pairs.length })
      .map((outcomes) => pairs.map(({ parent, due }, at) => scheduled(parent, due, outcomes[at]!)))
      .chain((ends) =>
        fc.record({
          parents: fc.constant(parents),
          ends: fc.constant(ends),
          shuffled: fc.shuffledSubarray(ends, { minLength: ends.length }),
          twice: fc.array(fc.boolean(), { minLength: ends.length, maxLength: ends.length }),
        }),
      );
  });

/** Conditions of single parents, by name. */
const ownConditions = fc.dictionary(
  fc.constantFrom('p', 'q', 'r', 's'),
  fc.constantFrom<Condition>('succeeded', 'failed', 'done'),
);

/** Oracle: has this parent ended as it must, by its own word or by that of all? */
function isAsAsked(when: JoinSpec['when'], own: Condition | undefined, how: Outcome): boolean {
  if (own !== undefined) return own === 'done' ? true : how === own;
  return when === 'all-done' || how === (when.endsWith('failed') ? 'failed' : 'succeeded');
}

/** Oracle for one round that is an interval of two due times. */
function intervalOracle(
  { when, conditions, parents }: JoinSpec,
  ends: readonly ParentEnd[],
  interval: number,
): { at: number; run: boolean; due: number } {
  const own = ends.filter(({ due }) => Math.floor(due / 2) === interval);
  const decidedAt = (end: ParentEnd, run: boolean) => {
    const seen = own.slice(0, own.indexOf(end) + 1);
    return { at: ends.indexOf(end), run, due: Math.max(...seen.map(({ due }) => due)) };
  };
  const totals = parents.map((parent) => {
    const of = own.filter((end) => end.parent === parent);
    const worst = (['failed', 'skipped'] as const).find((how) => of.some(({ outcome: is }) => is === how));
    return { last: of.at(-1)!, met: isAsAsked(when, conditions?.get(parent), worst ?? 'succeeded') };
  });
  const met = totals.filter((total) => total.met).map(({ last }) => own.indexOf(last));
  if (when.startsWith('any') && met.length > 0) return decidedAt(own[Math.min(...met)]!, true);
  return decidedAt(own.at(-1)!, when.startsWith('all') && totals.every((total) => total.met));
}

/** Oracle for one aligned round: at which ending is it decided, and how? */
function oracle(
  { when, conditions, parents: { length: parents } }: JoinSpec,
  ends: readonly ParentEnd[],
  due: number,
) {
  const wanted = (end: ParentEnd) => isAsAsked(when, conditions?.get(end.parent), end.outcome);
  const own = ends.filter((end) => end.due === due);
  expect(own).toHaveLength(parents);
  const first = own.find(wanted);
  if (when.startsWith('any') && first !== undefined) return { at: ends.indexOf(first), run: true };
  return { at: ends.indexOf(own.at(-1)!), run: when.startsWith('all') && own.every(wanted) };
}

describe('an aligned join', () => {
  it('decides each round exactly once, at the ending that decides it, whatever the order', () => {
    fc.assert(
      fc.property(interleaved, trigger, ownConditions, ({ parents, ends, shuffled }, when, own) => {
        const conditions = new Map(Object.entries(own));
        const spec: JoinSpec = { parents, when, conditions, aligned: true };
        const { join, firings } = play(spec, shuffled);
        const dues = [...new Set(ends.map((end) => end.due))];
        const expected = dues.map((due) => ({
          due,
          variant: '',
          ...oracle(spec, shuffled, due),
        }));
        const seen = firings.map(({ due, variant, at, run }) => ({ due, variant, at, run }));
        expect(seen.sort((x, y) => x.due - y.due)).toEqual(expected);
        expect(join.open).toEqual([]);
      }),
    );
  });

  it('comes to the same whatever the order, and counts an ending told twice once', () => {
    fc.assert(
      fc.property(interleaved, trigger, ({ parents, ends, shuffled, twice }, when) => {
        const spec: JoinSpec = { parents, when, aligned: true };
        const repeated = shuffled.flatMap((end, at) => (twice[at] ? [end, end] : [end]));
        const outcomes = (all: readonly ParentEnd[]) =>
          play(spec, all)
            .firings.map(({ due, variant, run }) => `${due}${variant} ${run}`)
            .sort();
        expect(outcomes(repeated)).toEqual(outcomes(ends));
        expect(play(spec, repeated)).toMatchObject({ join: play(spec, shuffled).join });
      }),
    );
  });
});

describe('a join by interval', () => {
  it('decides each interval once, at the ending that decides it, whatever the order', () => {
    fc.assert(
      fc.property(interleaved, trigger, ownConditions, ({ parents, ends, shuffled }, when, own) => {
        const last = Math.max(...ends.map(({ due }) => due));
        const spec: JoinSpec = {
          parents,
          when,
          conditions: new Map(Object.entries(own)),
          aligned: true,
          per: {
            key: (due) => String(Math.floor(due / 2)),
            expected: (_, due) => (due === last && due % 2 === 0 ? 1 : 2),
          },
        };
        const { join, firings } = play(spec, shuffled);
        const intervals = [...new Set(ends.map(({ due }) => Math.floor(due / 2)))];
        const expected = intervals.map((interval) => intervalOracle(spec, shuffled, interval));
        const seen = firings.map(({ due, at, run }) => ({ at, run, due }));
        expect(seen.sort((x, y) => x.due - y.due)).toEqual(expected.sort((x, y) => x.due - y.due));
        expect(join.open).toEqual([]);
      }),
    );
  });
});

const anyEnd = fc.record({
  parent: fc.constantFrom('p', 'q', 'r'),
  due: fc.nat(12),
  how: outcome,
  kind: fc.constantFrom<ParentEnd['kind']>('scheduled', 'scheduled', 'scheduled', 'manual', 'rerun'),
});

/** As they come in life: a scheduled run ends once; what a person starts has an id of its own. */
const lives = fc.array(anyEnd, { maxLength: 120 }).map((raw) => {
  const once = new Set<string>();
  return raw.flatMap(({ parent, due, how, kind }, at): ParentEnd[] => {
    if (kind === 'scheduled') {
      const end = scheduled(parent, due, how);
      if (once.has(end.runId)) return [];
      once.add(end.runId);
      return [end];
    }
    return [{ parent, runId: `${parent}@${due}#${at}`, due, variant: `v${at}`, outcome: how, kind }];
  });
});

const shape = fc.constantFrom<Omit<JoinSpec, 'when' | 'parents'>>(
  { aligned: true },
  { aligned: false },
  {
    aligned: false,
    per: { key: (due) => String(Math.floor(due / 4)), expected: (parent) => (parent === 'p' ? 2 : 1) },
  },
);

describe('any join', () => {
  it('never fires twice with the same due and variant, whatever ends in whatever order', () => {
    fc.assert(
      fc.property(lives, trigger, shape, fc.integer({ min: 1, max: 3 }), (ends, when, how, count) => {
        const spec: JoinSpec = { ...how, when, parents: ['p', 'q', 'r'].slice(0, count) };
        const pairs = play(spec, ends).firings.map(({ due, variant }) => `${due}/${variant}`);
        expect(new Set(pairs).size).toBe(pairs.length);
      }),
      { numRuns: 500 },
    );
  });

  it('names only runs that have ended, and never a failed one where all must succeed', () => {
    fc.assert(
      fc.property(lives, shape, (ends, how) => {
        const spec: JoinSpec = { ...how, when: 'all-succeeded', parents: ['p', 'q', 'r'] };
        for (const { run, parents, at } of play(spec, ends).firings) {
          const sources = parents.map((runId) => ends.findIndex((end) => end.runId === runId));
          expect(sources.every((source) => source >= 0 && source <= at)).toBe(true);
          if (!run) continue;
          expect(parents).toHaveLength(3);
          expect(sources.map((source) => ends[source]!.outcome)).toEqual([
            'succeeded',
            'succeeded',
            'succeeded',
          ]);
        }
      }),
    );
  });
});
