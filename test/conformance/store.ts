/** What every store promises, whichever it is: the suite that each adapter passes against the real thing. */

import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Alert, Notification } from '../../src/scheduler/model/alert.ts';
import type {
  Backfill,
  Backfilled,
  BackfillOptions,
  BackfillPlan,
  Lane,
} from '../../src/scheduler/model/backfill.ts';
import { freshState } from '../../src/scheduler/model/fresh-state.ts';
import { SYSTEM_OWNER } from '../../src/scheduler/model/ids.ts';
import type { Job, JobState, JobStats, LedgerLine, Run } from '../../src/scheduler/model/model.ts';
import {
  AUDIT_OWNER,
  type AuditLine,
  auditId,
  type SigningKey,
  type Token,
} from '../../src/scheduler/model/token.ts';
import type { Store } from '../../src/scheduler/ports.ts';
import { type LoadedItem, records, type Write } from '../../src/scheduler/records/table.ts';
import { emptyHistograms } from '../../src/scheduler/stats/stats.ts';
import { SLACK } from '../../src/store/bounds.ts';
import type { TermSource } from '../../src/store/election-solo.ts';

type TestedStore = Store & TermSource;

export interface StoreFactory {
  /** Opens the store; the second time with what the first has kept. */
  readonly open: () => Promise<TestedStore>;
  readonly cleanup: () => Promise<void>;
  /** Stores of several nodes may be open at once. */
  readonly shared: boolean;
  /** The past is cut to `bounds` as part of commits; others have bounds and tests of their own. */
  readonly cutsAtCommit: boolean;
}

const T0 = Date.parse('2026-01-01T00:00:00Z');
const DAY_MS = 86_400_000;

export function job(name: string, more: object = {}): Job {
  return {
    name,
    definition: { name, run: { command: 'true' }, ...more } as Job['definition'],
    resolved: { cron: '0 2 * * *', timezone: 'Europe/Berlin' },
    revision: 1,
    createdAt: T0,
    updatedAt: T0,
    updatedBy: 'ann',
  };
}

export function run(name: string, index: number, more: Partial<Run> = {}): Run {
  const due = T0 + index * 60_000;
  return {
    id: `${name}.${index}`,
    job: name,
    due,
    variant: '',
    lineage: 'scheduled',
    root: null,
    trigger: { kind: 'schedule' },
    params: {},
    priority: 0,
    createdAt: due,
    catchesUp: 0,
    revision: 1,
    state: 'running',
    reason: null,
    notBefore: null,
    startBy: null,
    kill: null,
    attempts: [],
    endedAt: null,
    ...more,
  };
}

export const ended = (name: string, index: number, more: Partial<Run> = {}): Run =>
  run(name, index, { state: 'succeeded', endedAt: T0 + index * 60_000 + 5, ...more });

export const token = (id: string, more: Partial<Token> = {}): Token => ({
  id,
  name: `of ${id}`,
  sha256: 'ab'.repeat(32),
  bindings: [{ role: 'editor', jobs: 'sales-*', grants: ['env'] }],
  createdAt: T0,
  createdBy: 'ann',
  expiresAt: null,
  usedAt: null,
  usedFrom: null,
  ...more,
});

export const signingKey = (id: string): SigningKey => ({ id, secret: `secret of ${id}`, createdAt: T0 });

/** The audit at a minute. */
export const auditLine = (index: number, more: Partial<AuditLine> = {}): AuditLine => {
  const at = T0 + index * 60_000;
  return {
    id: auditId(at, 7, index),
    at,
    term: 7,
    by: { kind: 'token', name: 'ci' },
    from: '10.0.0.7',
    via: null,
    action: 'put-job',
    on: 'sales-load',
    outcome: 'done',
    code: null,
    reason: null,
    before: { revision: index },
    after: { revision: index + 1 },
    ...more,
  };
};

export const line = (name: string, index: number, more: Partial<LedgerLine> = {}): LedgerLine => ({
  job: name,
  from: T0 + index * 60_000,
  to: T0 + index * 60_000,
  count: 1,
  end: 'ran',
  state: 'failed',
  reason: { code: 'exit-code', exitCode: 1 },
  run: `${name}.${index}`,
  ...more,
});

/** The largest that there is, of due times without a rhythm. */
function aBackfill(): { plan: BackfillPlan; backfill: Backfill; backfilled: Backfilled } {
  const dues = Array.from({ length: 9_999 }, (_, i) => T0 - (10_000 - i) * 3_600_000 - (i % 7) * 61_000);
  const lanes: Lane[] = [
    { job: 'a', dues, after: [], when: 'all-succeeded' },
    {
      job: 'b',
      dues: [dues[9] as number],
      froms: [dues[0] as number],
      after: ['a'],
      when: 'all-done',
      follows: true,
    },
  ];
  const options: BackfillOptions = {
    ...{ from: dues[0] as number, to: T0, only: ['missed'], downstream: true, atOnce: 3, newestFirst: false },
    ...{ params: { REGION: 'eu' }, does: 'run' },
  };
  return {
    plan: { id: 'fill', newestFirst: false, lanes },
    backfill: {
      ...{ id: 'fill', options, jobs: ['a', 'b'], createdAt: T0, createdBy: 'ann', state: 'running' },
      ...{ progress: 'sfr.'.repeat(2_500), gone: ['b'], endedAt: null },
    },
    backfilled: { job: 'a', due: T0, state: 'failed', run: 'a.1', backfill: 'fill', at: T0 + 5 },
  };
}

/** About an engine if it is about no job. */
const alertOf = (about: string | null): Alert => ({
  ...{ job: about, subject: about === null ? 'docker' : '' },
  ...{
    id: `${about ?? 'carillon'}.x.20260101T000000Z`,
    condition: about === null ? 'engine-unreachable' : 'failed',
  },
  ...{ severity: 'critical', owner: null, labels: {}, since: T0, count: 1, run: null, attempt: null },
  ...{
    reason: { code: 'engine-unavailable', text: 'gone' },
    downstream: 0,
    messages: 1,
    notified: ['pager'],
  },
  ...{ notifiedAt: T0, repeatedAt: null, escalations: 0, acknowledged: null, endedAt: null, end: null },
});

async function all(store: Store): Promise<LoadedItem[]> {
  const items: LoadedItem[] = [];
  for await (const chunk of store.load()) items.push(...chunk);
  return items;
}

export function storeConformance(name: string, factory: () => Promise<StoreFactory>): void {
  describe(`a store (${name})`, () => {
    let made: StoreFactory;
    let store: TestedStore;
    let term: number;
    const commit = (...writes: Write[]): Promise<void> => store.commit(term, [writes]);
    beforeEach(async () => {
      made = await factory();
      store = await made.open();
      term = await store.campaign();
    });
    afterEach(async () => {
      await store.close();
      await made.cleanup();
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await made.open();
    };

    test('gives back what was committed, after it was opened again too', async () => {
      const full: Run = run('a', 1, {
        variant: 'mabcd',
        root: 'a',
        trigger: { kind: 'parents', runs: ['x.1', 'y.1'] },
        params: { REGION: 'Nordöst ☃' },
        priority: -7,
        catchesUp: 3,
        notBefore: T0 + 1,
        startBy: T0 + 2,
        kill: { at: T0, by: 'ann', as: 'killed', reason: { code: 'killed', by: 'ann' } },
        reason: { code: 'waits-for-runs', runs: [{ job: 'a', due: T0, variant: 'm1' }], more: 2 },
        attempts: [
          {
            number: 1,
            engine: 'process',
            host: 'node-1',
            launchName: 'a-1',
            term: 1,
            createdAt: T0,
            startedAt: T0,
            endedAt: T0 + 9,
            exitCode: 3,
            reason: { code: 'exit-code', exitCode: 3 },
          },
          {
            number: 2,
            engine: 'docker',
            host: null,
            launchName: 'a-2',
            term: 2,
            createdAt: T0,
            startedAt: null,
            endedAt: null,
            exitCode: null,
            reason: null,
          },
        ],
      });
      const state: JobState = {
        ...freshState('a', T0),
        ahead: [{ from: T0 + 5, to: T0 + 7 }],
        eras: [{ from: T0 - 9, to: T0, schedule: { cron: '0 * * * *' } }],
        leaps: [{ line: { ...line('a', 0), end: 'missed', run: null } }],
        paused: { at: T0, by: 'ann' },
        join: { open: [], recent: [] },
        succeeded: 4,
        consecutiveFailures: 2,
        last: { id: 'a.0', state: 'failed', due: T0, endedAt: T0 },
      };
      const stats: JobStats = {
        name: 'a',
        day: '2026-01-01',
        today: { ...emptyHistograms, runTime: '5.2,1' },
        before: { ...emptyHistograms, queueWait: '0' },
      };
      const definition = job('a', {
        description: 'Größe',
        labels: { team: 'x' },
        policy: { retries: { limit: 2 } },
        schedule: { cron: '0 2 * * *' },
      });
      await commit(
        { kind: 'job', value: definition },
        { kind: 'state', value: state },
        { kind: 'stats', value: stats },
        { kind: 'run', value: full },
      );
      for (const again of [false, true]) {
        if (again) await reopen();
        const items = await all(store);
        expect(items).toHaveLength(4);
        expect(items).toEqual(
          expect.arrayContaining([
            { kind: 'job', value: definition },
            { kind: 'state', value: state },
            { kind: 'stats', value: stats },
            { kind: 'run', value: full },
          ]),
        );
      }
    });

    test.each([null, 'a'])(
      'keeps open alerts of %s, what is owed about them, and ended ones',
      async (about) => {
        const alert = alertOf(about);
        const notification: Notification = {
          ...{ id: `${alert.id}.1.pager`, receiver: 'pager', job: about, step: 'opened', alert },
          ...{ at: T0, order: T0, state: 'waiting', error: null, endedAt: null },
        };
        await commit({ kind: 'alert', value: alert }, { kind: 'notification', value: notification });
        await reopen();
        expect(await all(store)).toEqual([
          { kind: 'alert', value: alert },
          { kind: 'notification', value: notification },
        ]);
        term = await store.campaign();
        const over: Alert = { ...alert, endedAt: T0 + 1, end: 'recovered' };
        const delivered: Notification = { ...notification, state: 'delivered', endedAt: T0 + 1 };
        await commit({ kind: 'alert-ended', value: over }, { kind: 'notification-ended', value: delivered });
        await reopen();
        expect(await all(store)).toEqual([]);
        const query = { owner: about ?? SYSTEM_OWNER, newestFirst: true, limit: 10 };
        expect(await store.archive.past('alert-ended', query)).toEqual([over]);
        expect(await store.archive.past('notification-ended', query)).toEqual([delivered]);
      },
    );

    test('keeps tokens, keys and ends of sessions over a restart, and removes them', async () => {
      // A person's name at an identity provider.
      const id = 'https://id.example.org|ann/1 %2E';
      const kept: Write[] = [
        { kind: 'token', value: token('a', { expiresAt: T0 + 5, usedAt: T0 + 1, usedFrom: '::1' }) },
        { kind: 'signing-key', value: signingKey('new') },
        { kind: 'sessions-end', value: { id, at: T0 } },
      ];
      await commit(
        ...kept,
        { kind: 'token', value: token('b') },
        { kind: 'signing-key', value: signingKey('old') },
        { kind: 'sessions-end', value: { id: '*', at: T0 } },
      );
      await commit(
        { kind: 'token-removed', value: { id: 'b' } },
        { kind: 'signing-key-removed', value: { id: 'old' } },
        { kind: 'sessions-end-removed', value: { id: '*' } },
      );
      await reopen();
      expect((await all(store)).sort((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual(
        kept.sort((a, b) => (a.kind < b.kind ? -1 : 1)),
      );
    });

    test('keeps a backfill with its plan over a restart, until it has ended, and what it made of due times', async () => {
      const { plan, backfill, backfilled } = aBackfill();
      await commit({ kind: 'backfill-plan', value: plan }, { kind: 'backfill', value: backfill });
      await reopen();
      const kept = (await all(store)).sort((a, b) => (a.kind < b.kind ? -1 : 1));
      expect(kept).toEqual([
        { kind: 'backfill', value: backfill },
        { kind: 'backfill-plan', value: plan },
      ]);
      term = await store.campaign();
      const over = { ...backfill, progress: 's'.repeat(backfill.progress.length), endedAt: T0, plan };
      const again = { ...backfilled, state: 'succeeded' as const, run: 'a.2' };
      await commit({ kind: 'backfilled', value: backfilled });
      await commit({ kind: 'backfill-ended', value: over }, { kind: 'backfilled', value: again });
      await reopen();
      expect(await all(store)).toEqual([]);
      expect(await store.archive.past('backfill-ended', { owner: SYSTEM_OWNER })).toEqual([over]);
      expect(await store.archive.past('backfilled', { owner: 'a', from: T0, below: T0 + 1 })).toEqual([
        again,
      ]);
    });

    test('answers the audit in order, what was done and what was refused', async () => {
      const lines = [
        auditLine(1),
        auditLine(2, { outcome: 'refused', code: 'FORBIDDEN', reason: 'no', before: null, after: null }),
        auditLine(3, { by: { kind: 'system', name: 'test' }, from: null, via: 'node-2', on: null }),
      ];
      await commit(...lines.map((value): Write => ({ kind: 'audit', value })));
      await reopen();
      const past = (query: object) => store.archive.past('audit', { owner: AUDIT_OWNER, ...query });
      expect(await past({})).toEqual(lines);
      expect(await past({ newestFirst: true, limit: 2 })).toEqual([lines[2], lines[1]]);
      expect(await past({ from: lines[1]?.id, below: lines[2]?.id })).toEqual([lines[1]]);
    });

    test('keeps the audit for its time: what is older goes when a line is added', async (context) => {
      if (!made.cutsAtCommit) context.skip('this store cuts later');
      const { keepMs } = records.audit.age;
      const index = keepMs / 60_000;
      const write = (each: number): Write => ({ kind: 'audit', value: auditLine(each) });
      await commit(write(1), write(2), write(3), write(index));
      await reopen();
      await commit(write(index + 2));
      const left = await store.archive.past('audit', { owner: AUDIT_OWNER });
      expect(left.map(({ at }) => (at - T0) / 60_000)).toEqual([2, 3, index, index + 2]);
    });

    test('leaves keys out of a backup, and has tokens and the audit in it', async () => {
      await commit(
        { kind: 'token', value: token('a') },
        { kind: 'signing-key', value: signingKey('b') },
        { kind: 'audit', value: auditLine(1) },
      );
      const parts: Uint8Array[] = [];
      for await (const part of store.backup({ version: 'test', now: T0 })) parts.push(part);
      const kinds = gunzipSync(Buffer.concat(parts))
        .toString()
        .split('\n')
        .flatMap((each) => (each.startsWith('[') ? [JSON.parse(each)[0]] : []));
      expect(kinds.sort()).toEqual(['audit', 'token']);
    });

    test('keeps a value as it was committed, whatever becomes of it in memory', async () => {
      const mine = run('a', 1);
      await commit({ kind: 'run', value: mine });
      mine.state = 'succeeded';
      mine.attempts.push({
        number: 1,
        engine: 'x',
        host: null,
        launchName: 'x',
        term: 1,
        createdAt: 0,
        startedAt: 0,
        endedAt: 0,
        exitCode: 0,
        reason: null,
      });
      expect(await all(store)).toEqual([{ kind: 'run', value: run('a', 1) }]);
    });

    test('refuses an older term whole, and keeps taking the newer one', async () => {
      const old = term;
      term = await store.campaign();
      expect(term).toBeGreaterThan(old);
      await expect(
        store.commit(old, [[{ kind: 'job', value: job('a') }], [{ kind: 'job', value: job('b') }]]),
      ).rejects.toMatchObject({ code: 'NOT_LEADING' });
      expect(await all(store)).toEqual([]);
      await commit({ kind: 'job', value: job('c') });
      expect(await all(store)).toHaveLength(1);
    });

    test('writes nothing of a commit that fails, and what follows can be read after a restart', async () => {
      const unstorable = job('b', { labels: { bad: 1n } });
      await expect(
        store.commit(term, [
          [{ kind: 'state', value: freshState('a', 1) }],
          [{ kind: 'job', value: job('a', { run: { command: 'x', user: 'new part' } }) }],
          [{ kind: 'job', value: unstorable }],
        ]),
      ).rejects.toThrow();
      expect(await all(store)).toEqual([]);
      const later = job('c', { run: { command: 'x', user: 'new part' } });
      await commit({ kind: 'job', value: later });
      await reopen();
      expect(await all(store)).toEqual([{ kind: 'job', value: later }]);
    });

    test('issues terms that grow, over restarts too', async () => {
      await reopen();
      expect(await store.campaign()).toBeGreaterThan(term);
    });

    test('has an identity that stays', async () => {
      const installation = await store.installation();
      expect(installation).not.toBe('');
      await reopen();
      expect(await store.installation()).toBe(installation);
    });

    test('takes later writes over earlier ones of the same commit', async () => {
      await store.commit(term, [
        [{ kind: 'state', value: freshState('a', 1) }],
        [
          { kind: 'state', value: freshState('a', 2) },
          { kind: 'run', value: run('a', 1) },
        ],
        [{ kind: 'run-ended', value: ended('a', 1) }],
      ]);
      expect(await all(store)).toEqual([{ kind: 'state', value: freshState('a', 2) }]);
      expect(await store.archive.run('a.1')).toEqual(ended('a', 1));
    });

    test('takes ten thousand groups in one commit', async () => {
      const groups = Array.from({ length: 10_000 }, (_, i): Write[] => [
        { kind: 'job', value: job(`j${i}`) },
      ]);
      await store.commit(term, groups);
      expect(await all(store)).toHaveLength(10_000);
    });

    test('takes names and values at their bounds', async () => {
      const name = `a.-_${'x'.repeat(124)}`;
      const command = '☃'.repeat(20_000);
      await commit(
        { kind: 'job', value: job(name, { run: { command } }) },
        { kind: 'run-ended', value: ended(name, 1) },
        { kind: 'ledger', value: line(name, 1) },
      );
      const [item] = await all(store);
      expect(item?.kind === 'job' && item.value.definition.run?.command).toBe(command);
      expect((await store.archive.runs({ job: name, limit: 5 })).items).toHaveLength(1);
    });

    test('removes a job with its state and statistics, and keeps its past', async () => {
      const stats: JobStats = {
        name: 'a',
        day: '2026-01-01',
        today: emptyHistograms,
        before: emptyHistograms,
      };
      await commit(
        { kind: 'job', value: job('a') },
        { kind: 'state', value: freshState('a', 1) },
        { kind: 'stats', value: stats },
        { kind: 'run-ended', value: ended('a', 1) },
      );
      await commit({
        kind: 'job-removed',
        value: { job: 'a', revision: 2, at: T0, by: 'ann', definition: null },
      });
      expect(await all(store)).toEqual([]);
      expect((await store.archive.runs({ job: 'a', limit: 10 })).items).toHaveLength(1);
      const revisions = await store.archive.revisions('a');
      expect(revisions.map((each) => [each.revision, each.definition === null])).toEqual([
        [2, true],
        [1, false],
      ]);
    });

    test('keeps the state and the statistics that are written behind a removal, and goes on counting', async () => {
      const removal = (revision: number): Write => ({
        kind: 'job-removed',
        value: { job: 'a', revision, at: T0, by: 'ann', definition: null },
      });
      const removed = { at: T0, by: 'ann', revision: 2, resolved: null };
      const past: Write[] = [
        { kind: 'state', value: { ...freshState('a', 7), succeeded: 3, removed } },
        {
          kind: 'stats',
          value: { name: 'a', day: '2026-11-21', today: emptyHistograms, before: emptyHistograms },
        },
      ];
      await commit({ kind: 'job', value: job('a') }, { kind: 'state', value: freshState('a', 5) });
      await commit(removal(2), ...past);
      expect((await all(store)).map(({ kind }) => kind).sort()).toEqual(['state', 'stats']);
      expect(await all(store)).toContainEqual({
        kind: 'state',
        value: { ...freshState('a', 7), succeeded: 3, removed },
      });
      await commit({ kind: 'job', value: { ...job('a'), revision: 3 } });
      expect((await store.archive.revisions('a')).map((each) => each.revision)).toEqual([3, 2, 1]);
      await commit(removal(4));
      expect(await all(store)).toEqual([]);
    });

    test('lists the revisions of one life of a name', async () => {
      await commit({ kind: 'job', value: job('a') });
      await commit({ kind: 'job', value: { ...job('a'), revision: 2 } });
      await commit({
        kind: 'job-removed',
        value: { job: 'a', revision: 3, at: T0, by: 'ann', definition: null },
      });
      await commit({ kind: 'job', value: job('a') });
      await commit({ kind: 'job', value: { ...job('a'), revision: 2 } });
      expect((await store.archive.revisions('a')).map((each) => each.revision)).toEqual([2, 1]);
    });

    test.for([
      {
        what: 'ledger lines',
        keep: records.ledger.keep,
        write: (i: number): Write => ({ kind: 'ledger', value: line('a', i) }),
        kept: async () =>
          (await store.archive.ledger({ job: 'a', fromMs: 0, toMs: T0 * 2, limit: 100_000 })).map(
            (each) => (each.from - T0) / 60_000,
          ),
      },
      {
        what: 'days',
        keep: records.day.keep,
        write: (i: number): Write => ({
          kind: 'stats',
          value: {
            name: 'a',
            day: new Date(T0 + i * DAY_MS).toISOString().slice(0, 10),
            today: emptyHistograms,
            before: emptyHistograms,
          },
        }),
        kept: async () =>
          (await store.archive.days({ job: 'a', fromDay: '2000-01-01', toDay: '2999-01-01' })).map(
            (each) => (Date.parse(each.day) - T0) / DAY_MS,
          ),
      },
      {
        what: 'revisions',
        keep: records.revision.keep,
        write: (i: number): Write => ({ kind: 'job', value: { ...job('a'), revision: i + 1 } }),
        kept: async () => (await store.archive.revisions('a')).map((each) => each.revision - 1).reverse(),
      },
      {
        what: 'lines of the audit',
        keep: records.audit.keep,
        write: (i: number): Write => ({ kind: 'audit', value: auditLine(i) }),
        kept: async () =>
          (await store.archive.past('audit', { owner: AUDIT_OWNER })).map((each) => (each.at - T0) / 60_000),
      },
    ])('keeps a bounded number of $what per job: the newest', async ({ keep, write, kept }, context) => {
      if (!made.cutsAtCommit) context.skip('this store cuts later');
      const most = Math.ceil(keep * (1 + SLACK));
      const count = most * 2;
      for (let i = 0; i < count; i += 500) {
        // Twice each: what replaces does not count. A restart in between forgets no count.
        const indices = Array.from({ length: Math.min(500, count - i) }, (_, k) => i + k);
        await store.commit(term, [...indices.map((k) => [write(k)]), [write(i + indices.length - 1)]]);
        if (i === 500) await reopen();
      }
      const rest = await kept();
      expect(rest.length).toBeGreaterThanOrEqual(keep);
      expect(rest.length).toBeLessThanOrEqual(most);
      expect(rest).toEqual(Array.from(rest, (_, k) => count - rest.length + k));
    });

    describe('history', () => {
      const fill = (...names: string[]): Promise<void> =>
        store.commit(
          term,
          names.flatMap((each) =>
            Array.from({ length: 10 }, (_, i): Write[] => [
              { kind: 'run-ended', value: ended(each, i, i % 2 === 0 ? {} : { state: 'failed' }) },
            ]),
          ),
        );

      test('answers runs newest due first, of one job or of all', async () => {
        await fill('a', 'b', 'ab');
        const one = await store.archive.runs({ job: 'a', limit: 100 });
        expect(one.items.map((each) => each.id)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((i) => `a.${i}`));
        const every = await store.archive.runs({ limit: 100 });
        expect(every.items).toHaveLength(30);
        expect(every.items.slice(0, 3).map((each) => each.id)).toEqual(['b.9', 'ab.9', 'a.9']);
        const dues = every.items.map((each) => each.due);
        expect(dues).toEqual([...dues].sort((x, y) => y - x));
      });

      test.each([{ job: 'a' }, {}])(
        'pages through %j without repeating or leaving out, while runs are added',
        async (filter) => {
          await fill('a', 'b');
          const seen: string[] = [];
          let cursor: string | undefined;
          for (let page = 0; ; page++) {
            const answer = await store.archive.runs({
              ...filter,
              limit: 3,
              ...(cursor === undefined ? {} : { cursor }),
            });
            seen.push(...answer.items.map((each) => each.id));
            if (answer.next === null) break;
            expect(answer.items).toHaveLength(3);
            cursor = answer.next;
            await commit({ kind: 'run-ended', value: ended('a', 100 + page) });
          }
          expect(seen).toHaveLength('job' in filter ? 10 : 20);
          expect(new Set(seen).size).toBe(seen.length);
        },
      );

      test('pages through more jobs than a page reads whose newest runs were due at one instant', async () => {
        const jobs = Array.from({ length: 2_600 }, (_, i) => `job-${String(i).padStart(4, '0')}`);
        for (let at = 0; at < jobs.length; at += 200)
          await store.commit(
            term,
            jobs.slice(at, at + 200).map((name): Write[] => [{ kind: 'run-ended', value: ended(name, 7) }]),
          );
        const seen: string[] = [];
        let cursor: string | null = null;
        for (let pages = 0; pages < 100; pages++) {
          const answer: Awaited<ReturnType<typeof store.archive.runs>> = await store.archive.runs({
            limit: 500,
            ...(cursor !== null && { cursor }),
          });
          seen.push(...answer.items.map((each) => each.id));
          cursor = answer.next;
          if (cursor === null) break;
        }
        expect(cursor).toBeNull();
        expect(seen).toEqual(jobs.map((name) => `${name}.7`).reverse());
      });

      test('filters by state and by due instants, the end left out', async () => {
        await fill('a');
        const failed = await store.archive.runs({ job: 'a', states: ['failed'], limit: 100 });
        expect(failed.items.map((each) => each.id)).toEqual(['a.9', 'a.7', 'a.5', 'a.3', 'a.1']);
        const between = await store.archive.runs({
          fromMs: T0 + 2 * 60_000,
          toMs: T0 + 4 * 60_000,
          limit: 100,
        });
        expect(between.items.map((each) => each.id)).toEqual(['a.3', 'a.2']);
      });

      test('names no next page where none follows', async () => {
        await fill('a');
        expect((await store.archive.runs({ job: 'a', limit: 10 })).next).toBeNull();
        expect((await store.archive.runs({ job: 'a', states: ['failed'], limit: 5 })).next).toBeNull();
      });

      test('keeps to the period on later pages too', async () => {
        await fill('a');
        const { next } = await store.archive.runs({ job: 'a', limit: 1 });
        const page = await store.archive.runs({
          job: 'a',
          toMs: T0 + 3 * 60_000,
          limit: 2,
          cursor: next as string,
        });
        expect(page.items.map((each) => each.id)).toEqual(['a.2', 'a.1']);
      });

      test('refuses a cursor that is none', async () => {
        await expect(store.archive.runs({ limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
          code: 'INVALID_FIELD',
          details: { field: 'cursor' },
        });
      });

      test('keeps a bounded number of runs per job: the newest', async (context) => {
        if (!made.cutsAtCommit) context.skip('this store cuts later');
        await store.commit(
          term,
          Array.from({ length: 1_200 }, (_, i): Write[] => [{ kind: 'run-ended', value: ended('a', i) }]),
        );
        await reopen();
        await commit({ kind: 'run-ended', value: ended('a', 1_200) });
        const { items } = await store.archive.runs({ job: 'a', limit: 2_000 });
        expect(items.length).toBeGreaterThanOrEqual(500);
        expect(items.length).toBeLessThanOrEqual(550);
        expect(items[0]?.id).toBe('a.1200');
        expect(await store.archive.run('a.0')).toBeNull();
        expect((await store.archive.runs({ limit: 2_000 })).items).toHaveLength(items.length);
      });
    });

    test('answers ledger lines that touch the period, oldest first; a line replaces one of the same start', async () => {
      const stretch: LedgerLine = {
        job: 'a',
        from: T0,
        to: T0 + 5 * 60_000,
        count: 6,
        end: 'missed',
        reason: { code: 'catch-up-none' },
        run: null,
      };
      await commit(
        { kind: 'ledger', value: line('a', 0) },
        { kind: 'ledger', value: line('a', 7) },
        { kind: 'ledger', value: line('b', 3) },
      );
      await commit({ kind: 'ledger', value: stretch }, { kind: 'ledger', value: line('a', 6) });
      const from = (minute: number, to: number) =>
        store.archive.ledger({ job: 'a', fromMs: T0 + minute * 60_000, toMs: T0 + to * 60_000, limit: 10 });
      expect(await from(0, 10)).toEqual([stretch, line('a', 6), line('a', 7)]);
      expect(await from(3, 7)).toEqual([stretch, line('a', 6)]);
      expect(await from(6, 7)).toEqual([line('a', 6)]);
      expect(await store.archive.ledger({ job: 'a', fromMs: 0, toMs: T0 + DAY_MS, limit: 2 })).toEqual([
        stretch,
        line('a', 6),
      ]);
    });

    test.each([
      ['oldest first', false, undefined, [3, 5, 6]],
      ['newest first', true, undefined, [6, 5, 3]],
      ['oldest first, two', false, 2, [3, 5]],
      ['newest first, two', true, 2, [6, 5]],
    ])('answers a range with the record before it, %s', async (_, newestFirst, limit, expected) => {
      await commit(...[1, 3, 5, 6, 9].map((i): Write => ({ kind: 'ledger', value: line('a', i) })));
      const range = { from: T0 + 4 * 60_000, below: T0 + 7 * 60_000, withPrevious: true, newestFirst };
      const query = { owner: 'a', ...range, ...(limit !== undefined && { limit }) };
      expect(await store.archive.past('ledger', query)).toEqual(expected.map((i) => line('a', i)));
    });

    test('answers the newest revision as the one before a range', async () => {
      for (const number of [1, 2]) await commit({ kind: 'job', value: { ...job('a'), revision: number } });
      const query = { owner: 'a', from: 7, withPrevious: true } as const;
      const found = await store.archive.past('revision', query);
      expect(found.map(({ revision }) => revision)).toEqual([2]);
      const newest = await store.archive.past('revision', { ...query, from: 2, newestFirst: true });
      expect(newest.map(({ revision }) => revision)).toEqual([2, 1]);
    });

    test('keeps the histograms of each day', async () => {
      const day = (i: number, runTime: string): Write => ({
        kind: 'stats',
        value: {
          name: 'a',
          day: `2026-01-0${i}`,
          today: { ...emptyHistograms, runTime },
          before: emptyHistograms,
        },
      });
      await commit(day(1, '1'));
      await commit(day(1, '1.2'), day(2, '2'), day(3, '3'));
      expect(await store.archive.days({ job: 'a', fromDay: '2026-01-01', toDay: '2026-01-02' })).toEqual([
        { day: '2026-01-01', histograms: { ...emptyHistograms, runTime: '1.2' } },
        { day: '2026-01-02', histograms: { ...emptyHistograms, runTime: '2' } },
      ]);
    });

    test('knows nothing of what never was', async () => {
      expect(await store.archive.run('none.1')).toBeNull();
      expect(await store.archive.revisions('none')).toEqual([]);
      expect(await store.archive.ledger({ job: 'none', fromMs: 0, toMs: T0, limit: 5 })).toEqual([]);
    });

    test('tells other nodes what was committed', async (context) => {
      if (!made.shared) context.skip('this store has one node only');
      const other = await made.open();
      const told: Write[] = [];
      const watching = other.watch({
        onWrites: (writes) => told.push(...writes),
        onGap: () => expect.unreachable('nothing was missed'),
      });
      await watching.caughtUp();
      const writes: Write[] = [
        { kind: 'job', value: job('a') },
        { kind: 'run', value: run('a', 1) },
        { kind: 'run-ended', value: ended('a', 1) },
        { kind: 'ledger', value: line('a', 1) },
        {
          kind: 'job-removed',
          value: { job: 'a', revision: 2, at: T0, by: 'ann', definition: null },
        },
      ];
      await commit(...writes);
      await watching.caughtUp();
      expect(told).toEqual(writes);
      watching.stop();
      await commit({ kind: 'job', value: job('b') });
      expect(told).toHaveLength(writes.length);
      await other.close();
    });
  });
}
