import { describe, expect, it } from 'vitest';
import { applyOrder, checkParents } from '../../src/dag/check.ts';
import { Graph } from '../../src/dag/graph.ts';
import { CarillonError } from '../../src/errors.ts';

const always = () => true;
const never = () => false;

function chain(...names: string[]): Graph {
  const graph = new Graph();
  for (const [at, name] of names.entries()) if (at > 0) graph.setParents(name, [names[at - 1]!]);
  return graph;
}

function refusal(act: () => unknown): CarillonError {
  try {
    act();
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('checkParents', () => {
  it('accepts parents that do not wait for the job', () => {
    const graph = chain('a', 'b', 'c');
    expect(() => checkParents(graph, 'd', ['a', 'c'], always)).not.toThrow();
    expect(() => checkParents(graph, 'c', ['a'], always)).not.toThrow();
  });

  it('names a cycle as the path from the job back to itself', () => {
    const error = refusal(() => checkParents(chain('a', 'b', 'c'), 'a', ['x', 'c'], always));
    expect(error.code).toBe('DEPENDENCY_CYCLE');
    expect(error.message).toBe('The jobs depend on each other: a → b → c → a.');
    expect(error.details.names).toEqual(['a', 'b', 'c', 'a']);
    expect(error.details.field).toBe('schedule.after.parents');
  });

  it('names the shortest of several cycles, whatever the order of the edges', () => {
    const graph = chain('a', 'b', 'c');
    graph.setParents('c', ['b', 'a']);
    expect(refusal(() => checkParents(graph, 'a', ['c'], always)).message).toBe(
      'The jobs depend on each other: a → c → a.',
    );
  });

  it('calls a job that waits for itself a cycle, even before it exists', () => {
    expect(refusal(() => checkParents(new Graph(), 'a', ['a'], never)).message).toBe('a depends on itself.');
  });

  it('names an unknown parent and the nearest names', () => {
    const exists = (name: string) => name === 'extract-a';
    const error = refusal(() =>
      checkParents(new Graph(), 'load', ['extract-a', 'extrct'], exists, () => ['extract-a']),
    );
    expect(error.code).toBe('UNKNOWN_PARENT');
    expect(error.message).toBe("The parent 'extrct' of 'load' does not exist; the nearest is extract-a.");
    expect(error.details).toMatchObject({
      field: 'schedule.after.parents',
      value: 'extrct',
      allowed: ['extract-a'],
    });
  });

  it('walks neither what is above a change nor what has no way back', () => {
    const graph = chain(...Array.from({ length: 50 }, (_, at) => `job-${at}`));
    const asked: string[] = [];
    const childrenOf = graph.childrenOf.bind(graph);
    graph.childrenOf = (name) => {
      asked.push(name);
      return childrenOf(name);
    };
    checkParents(graph, 'job-0', ['root'], always);
    expect(asked).toEqual([]);
    checkParents(graph, 'leaf', ['job-49'], always);
    expect(asked).toEqual(['leaf']);
  });
});

describe('applyOrder', () => {
  it('puts parents before children in whatever order they are given', () => {
    const jobs = [
      { name: 'load', parents: ['extract-b', 'extract-a'] },
      { name: 'extract-b', parents: [] },
      { name: 'report', parents: ['load'] },
      { name: 'extract-a', parents: [] },
    ];
    const order = ['extract-a', 'extract-b', 'load', 'report'];
    expect(applyOrder(jobs, new Graph(), never)).toEqual(order);
    expect(applyOrder(jobs.toReversed(), new Graph(), never)).toEqual(order);
  });

  it('goes by what a job is to wait for, not by what it waits for now', () => {
    const swapped = [
      { name: 'a', parents: ['b'] },
      { name: 'b', parents: [] },
    ];
    expect(applyOrder(swapped, chain('a', 'b'), always)).toEqual(['b', 'a']);
  });

  it('keeps the order of jobs that depend on each other through one that is not applied', () => {
    const graph = chain('z', 'between', 'a');
    const jobs = [
      { name: 'a', parents: ['between'] },
      { name: 'z', parents: [] },
    ];
    expect(applyOrder(jobs, graph, always)).toEqual(['z', 'a']);
  });

  it('names a cycle that runs through a job that is not applied, from its smallest name', () => {
    const error = refusal(() =>
      applyOrder([{ name: 'b', parents: ['d'] }], chain('b', 'c', 'a', 'd'), always),
    );
    expect(error.code).toBe('DEPENDENCY_CYCLE');
    expect(error.message).toBe('The jobs depend on each other: a → d → b → c → a.');
  });

  it('names a parent that neither exists nor is applied', () => {
    const error = refusal(() => applyOrder([{ name: 'a', parents: ['b'] }], new Graph(), never));
    expect(error.code).toBe('UNKNOWN_PARENT');
    expect(error.message).toBe("The parent 'b' of 'a' does not exist.");
  });

  it('takes chains longer than the call stack', () => {
    const jobs = Array.from({ length: 100_000 }, (_, at) => ({
      name: `job-${at}`,
      parents: at === 99_999 ? [] : [`job-${at + 1}`],
    }));
    expect(applyOrder(jobs, new Graph(), never)[0]).toBe('job-99999');
  });
});
