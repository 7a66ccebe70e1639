import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BackfillOptions, backfillVariant, stateOf } from '../../src/scheduler/model/backfill.ts';
import { stepsOf } from '../../src/scheduler/model/backfill-steps.ts';
import { runId } from '../../src/scheduler/model/ids.ts';
import type { LedgerLine } from '../../src/scheduler/model/model.ts';
import { dueTimes } from '../../src/scheduler/read/due-times.ts';
import { covering, laidOver } from '../../src/scheduler/read/fates.ts';
import { compileSchedule } from '../../src/scheduler/schedule/parse.ts';
import type { Decision } from '../../src/scheduler/state/decision.ts';
import { Rig } from '../support/rig.ts';

class Crash extends Error {}

/** Dies in the middle of what it writes: atomic groups are written whole, or not at all. */
class CrashingRig extends Rig {
  /** Groups that are still written. */
  left = Number.POSITIVE_INFINITY;

  override keep(decision: Decision): void {
    // Called by the constructor of the base, too.
    const left = this.left ?? Number.POSITIVE_INFINITY;
    if (decision.groups.length <= left) {
      this.left = left - decision.groups.length;
      super.keep(decision);
      return;
    }
    super.keep({ ...decision, groups: decision.groups.slice(0, left), effects: [] });
    this.left = Number.POSITIVE_INFINITY;
    throw new Crash();
  }

  /** After a crash, another leader takes over. */
  survive(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.restart();
      this.inventory([]);
    }
  }
}

const schedules = ['0 2 * * *', '0 */6 * * *', '15 3 * * 1-5', '30 1,13 * * *'];
const now = Date.parse('2026-02-01T12:00:00Z');

type Deed = {
  readonly kind: 'end' | 'fail' | 'kill' | 'pause' | 'resume' | 'restart' | 'wait';
  readonly at: number;
};
const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom('end', 'end', 'end', 'fail', 'kill', 'pause', 'resume', 'restart', 'wait'),
  at: fc.nat({ max: 15 }),
});

const scenario = fc.record({
  cron: fc.constantFrom(...schedules),
  days: fc.integer({ min: 1, max: 12 }),
  child: fc.constantFrom('none', 'all-succeeded', 'all-done', 'per day'),
  options: fc.record({
    atOnce: fc.integer({ min: 1, max: 4 }),
    newestFirst: fc.boolean(),
    does: fc.constantFrom<BackfillOptions['does'][]>('run', 'run', 'mark-succeeded'),
  }),
  overlap: fc.constantFrom('skip', 'queue', 'replace', 'allow'),
  retries: fc.integer({ min: 0, max: 1 }),
  deeds: fc.array(fc.record({ deed, crash: fc.option(fc.nat({ max: 3 })) }), { maxLength: 25 }),
  cancels: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function rigFor({ cron, child, overlap, retries }: Scenario): CrashingRig {
  const r = new CrashingRig(new Date(now).toISOString());
  r.put({ name: 'a', schedule: { cron }, policy: { overlap, retries: { limit: retries, delay: 'PT1M' } } });
  const per = child === 'per day' ? { per: 'day' } : { when: child };
  if (child !== 'none') r.put({ name: 'b', schedule: { after: { parents: ['a'], ...per } } });
  return r;
}

/** The unfinished runs of the backfill that were launched. */
const launched = (r: Rig) =>
  [...r.state.runs.values()].filter(
    (run) => run.backfill !== undefined && run.attempts.length > 0 && run.notBefore === null,
  );

function act(r: CrashingRig, { kind, at }: Deed): void {
  const runs = launched(r);
  const run = runs[at % Math.max(1, runs.length)];
  const index = run === undefined ? -1 : r.state.entry(run.job).runs.indexOf(run);
  const isOpen = r.state.backfills.get('fill') !== undefined;
  if (kind === 'restart') r.restart();
  else if (kind === 'wait') r.advance(90_000);
  else if ((kind === 'pause' || kind === 'resume') && isOpen)
    r.submit({ kind: `${kind}-backfill`, id: 'fill', by: 'ann' });
  else if (run !== undefined && kind === 'kill') r.submit({ kind: 'kill', runId: run.id, by: 'ann' });
  else if (run !== undefined && (kind === 'end' || kind === 'fail'))
    r.end(run.job, kind === 'end' ? 0 : 1, index);
}

test('a backfill of any range, under any crash, leaves exactly one end for each of its steps and due times', () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const { cron, days, options: own, deeds, cancels, child } = given;
      const r = rigFor(given);
      const schedule = compileSchedule({ cron });
      const from = now - days * 86_400_000;
      const dues = dueTimes(schedule, from, now, 1_000);
      if (dues.length === 0) return;
      const options: BackfillOptions = {
        ...{ from, to: now, only: [], downstream: child !== 'none', params: {} },
        ...own,
      };
      const make = () =>
        r.submit({
          kind: 'backfill',
          id: 'fill',
          targets: [{ job: 'a', dues }],
          options,
          dryRun: false,
          by: 'ann',
        });
      r.survive(make);
      // Asked again, as a client does that had no answer.
      const { plan } = make();
      for (const { deed: each, crash } of deeds) {
        r.left = crash ?? Number.POSITIVE_INFINITY;
        r.survive(() => act(r, each));
        r.left = Number.POSITIVE_INFINITY;
      }
      if (cancels && r.state.backfills.get('fill') !== undefined)
        r.submit({ kind: 'cancel-backfill', id: 'fill', by: 'ann' });
      for (let i = 0; i < 500 && r.backfills.size > 0; i++) {
        if (r.state.backfills.get('fill')?.state === 'paused') act(r, { kind: 'resume', at: 0 });
        act(r, { kind: 'end', at: 0 });
        r.advance(90_000);
      }
      const ended = r.endedBackfills[0];
      expect([r.endedBackfills.length, r.backfills.size, r.plans.size]).toEqual([1, 0, 0]);
      for (const [number, { lane, due }] of stepsOf(plan).entries()) {
        const id = runId(lane.job, due, backfillVariant('fill'));
        const ends = r.history.filter((run) => run.id === id).map(({ state }) => state);
        const step = stateOf(ended?.progress ?? '', number);
        expect([id, ends]).toEqual([id, step === 'waiting' ? [] : [step]]);
        if (step === 'waiting') expect(cancels).toBe(true);
      }
      expect(launched(r)).toEqual([]);
      const laid = laidOver(linesOf(r, 'a'), backfilledOf(r, 'a'), schedule);
      for (const due of dues)
        expect(laid.filter((line) => line.from <= due && due <= line.to).length).toBeLessThan(2);
    }),
    { numRuns: 150 },
  );
});

const linesOf = (r: Rig, job: string): LedgerLine[] =>
  [...r.ledger.values()].filter((line) => line.job === job).sort((a, b) => a.from - b.from);
const backfilledOf = (r: Rig, job: string) =>
  [...r.backfilled.values()].filter((each) => each.job === job).sort((a, b) => a.due - b.due);

test('what backfills made, laid over the ledger, leaves every due time covered once, and none twice', () => {
  const schedule = compileSchedule({ cron: '0 * * * *' });
  const hour = 3_600_000;
  const lines = fc
    .array(fc.record({ length: fc.integer({ min: 1, max: 6 }), gap: fc.boolean() }), { maxLength: 8 })
    .map((parts) => {
      let at = 0;
      return parts.flatMap(({ length, gap }): LedgerLine[] => {
        const from = at * hour;
        at += length;
        if (gap) return [];
        const to = (at - 1) * hour;
        const end = length === 1 ? ('ran' as const) : ('missed' as const);
        return [{ job: 'a', from, to, count: length, end, reason: null, run: null }];
      });
    });
  fc.assert(
    fc.property(lines, fc.uniqueArray(fc.nat({ max: 40 })), (ledger, hours) => {
      const over = hours
        .sort((a, b) => a - b)
        .map((at) => ({
          job: 'a',
          due: at * hour,
          state: 'failed' as const,
          run: `r${at}`,
          backfill: 'x',
          at: 0,
        }));
      const laid = laidOver(ledger, over, schedule);
      const dues = Array.from({ length: 50 }, (_, i) => i * hour);
      const expected = dues.map((due) => {
        if (over.some((each) => each.due === due)) return 'backfilled';
        return ledger.find(({ from, to }) => from <= due && due <= to)?.end;
      });
      expect(covering(laid, dues).map((line) => line?.end)).toEqual(expected);
      expect(laid.map(({ from }) => from)).toEqual(laid.map(({ from }) => from).sort((a, b) => a - b));
      const counted = laid.reduce((sum, { count }) => sum + count, 0);
      expect(counted).toBe(expected.filter((end) => end !== undefined).length);
    }),
  );
});
