/** What every election promises, whichever it is. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Election } from '../../src/scheduler/ports.ts';
import { until } from '../support/until.ts';

export interface ElectionFactory {
  /** One more candidate, not started yet; the next may stand for the same node after a restart. */
  readonly candidate: () => Promise<Election>;
  readonly cleanup: () => Promise<void>;
}

export function electionConformance(name: string, factory: () => Promise<ElectionFactory>): void {
  describe(`an election (${name})`, () => {
    let made: ElectionFactory;
    const started: Election[] = [];
    beforeEach(async () => {
      made = await factory();
    });
    afterEach(async () => {
      for (const election of started.splice(0)) await election.stop();
      await made.cleanup();
    });
    const stand = async (): Promise<{ election: Election; terms: number[] }> => {
      const election = await made.candidate();
      const terms: number[] = [];
      election.onElected((term) => terms.push(term));
      started.push(election);
      return { election, terms };
    };

    test('elects the only candidate, under a positive term', async () => {
      const { election, terms } = await stand();
      expect(election.isFresh()).toBe(false);
      await election.start();
      await until('a term', () => terms.length === 1);
      expect(terms[0]).toBeGreaterThan(0);
      expect(election.isFresh()).toBe(true);
    });

    test('issues a larger term with each leadership, over restarts too', async () => {
      const issued: number[] = [];
      for (let round = 0; round < 3; round++) {
        const { election, terms } = await stand();
        await election.start();
        await until('a term', () => terms.length === 1);
        await election.stop();
        issued.push(...terms);
      }
      expect(issued).toEqual([...new Set(issued)].sort((a, b) => a - b));
    });

    test('is not fresh once stopped, and stops as often as asked', async () => {
      const { election, terms } = await stand();
      await election.start();
      await until('a term', () => terms.length === 1);
      await election.stop();
      await election.stop();
      expect(election.isFresh()).toBe(false);
    });

    test('elects nobody who stopped before the term was issued', async () => {
      const { election, terms } = await stand();
      const starting = election.start();
      await election.stop();
      await starting;
      expect(election.isFresh()).toBe(false);
      expect(terms).toEqual([]);
    });
  });
}
