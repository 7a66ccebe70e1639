/**
 * A data folder with a past: some weeks of a made-up company's jobs, run by a real scheduler on a simulated
 * clock over the real store. A server that is started on it finds what it would find after those weeks.
 */

import { join } from 'node:path';
import type { JobDefinition } from '../../src/scheduler/job/definition.ts';
import type { Log, Store } from '../../src/scheduler/ports.ts';
import { Scheduler } from '../../src/scheduler/runtime/scheduler.ts';
import { createSoloElection } from '../../src/store/election-solo.ts';
import { createEmbeddedStore } from '../../src/store/embedded/store.ts';
import { createFakeLauncher, FakeEngine } from '../support/fake-launcher.ts';
import { testMember, testSettings } from '../support/rig.ts';
import { SimClock } from '../support/sim-clock.ts';

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

const shops = ['berlin', 'lisbon', 'oslo', 'zurich'] as const;
const run = { command: 'sleep 2; echo "wrote $((RANDOM % 9000 + 1000)) rows"' };

function job(name: string, rest: Partial<JobDefinition>): JobDefinition {
  const team = name.split('-')[0] as string;
  return { name, owner: `${team}@example.com`, labels: { team }, run, ...rest };
}

const after = (...parents: string[]) => ({ after: { parents } });

/** A night's pipeline from four shops to three reports, and what else a company runs. */
export const companyJobs: readonly JobDefinition[] = [
  ...shops.map((shop, n) =>
    job(`sales-extract-${shop}`, { schedule: { cron: `${n * 2} */2 * * *`, timezone: 'Europe/Berlin' } }),
  ),
  ...shops.map((shop) => job(`sales-clean-${shop}`, { schedule: after(`sales-extract-${shop}`) })),
  job('sales-join', {
    schedule: { after: { parents: shops.map((shop) => `sales-clean-${shop}`), per: 'hour' } },
    expect: { finishBy: '08:00' },
  }),
  job('finance-revenue', { schedule: after('sales-join') }),
  job('finance-tax', { schedule: after('finance-revenue') }),
  job('marketing-segments', { schedule: after('sales-join') }),
  job('marketing-mail', { schedule: after('marketing-segments', 'finance-revenue') }),
  job('ops-backup', { schedule: { cron: '30 1 * * *', timezone: 'Europe/Berlin' } }),
  job('ops-backup-verify', { schedule: after('ops-backup') }),
  job('ops-certificates', { schedule: { cron: '@daily' } }),
  job('ops-cleanup', { schedule: { cron: '15 */3 * * *' } }),
  job('search-index', { schedule: { cron: '*/30 * * * *' } }),
  job('search-suggest', { schedule: after('search-index') }),
  job('crm-sync', { schedule: { cron: '20 */4 * * *' }, policy: { retries: { limit: 1, delay: 'PT1M' } } }),
  job('crm-report', { schedule: { cron: '0 7 * * 1', timezone: 'Europe/Berlin' } }),
  job('legacy-export', { schedule: { cron: '0 */6 * * *' }, paused: true }),
];

/** Stands still while something is being written: what takes a disk some milliseconds took no time then. */
class PatientClock extends SimClock {
  readonly #writing = new Set<Promise<void>>();

  override async settle(): Promise<void> {
    do {
      await Promise.all(this.#writing);
      await super.settle();
    } while (this.#writing.size > 0);
  }

  /** The store, with every commit waited for. */
  over(store: Store): Store {
    const commit: Store['commit'] = (term, groups) => {
      const writing = store.commit(term, groups).finally(() => this.#writing.delete(writing));
      this.#writing.add(writing);
      return writing;
    };
    return { ...store, commit };
  }
}

/** A number from 0 to 1 that only depends on the text. */
function dice(text: string): number {
  let hash = 2_166_136_261;
  for (const sign of text) hash = Math.imul(hash ^ sign.charCodeAt(0), 16_777_619);
  return (hash >>> 8) / 2 ** 24;
}

export const dayMs = 86_400_000;
/** Jobs made at once: as many as one apply takes. */
const BATCH = 20_000;

/** Lives through the time up to now, in `dataDir`, with these jobs. */
export async function livePast(
  dataDir: string,
  lastMs: number,
  jobs: readonly JobDefinition[] = companyJobs,
): Promise<void> {
  const clock = new PatientClock(Date.now() - lastMs);
  const engine = new FakeEngine(clock);
  engine.plan = ({ job: name, launchName }) => {
    const usual = 20_000 + 400_000 * dice(name) ** 2;
    const luck = dice(launchName);
    const fails = name === 'crm-sync' ? luck < 0.45 : luck < 0.015;
    return {
      durationMs: Math.round(usual * (0.7 + dice(`${launchName}!`) + (luck > 0.97 ? 2 : 0))),
      exitCode: fails ? 1 : 0,
    };
  };
  const store = createEmbeddedStore({ dir: join(dataDir, 'store') });
  await store.open();
  const scheduler = new Scheduler({
    settings: testSettings,
    installation: await store.installation(),
    self: testMember,
    store: clock.over(store),
    election: createSoloElection(store, testMember),
    launchers: [createFakeLauncher(engine)],
    clock,
    log: silent,
    startsInFlight: 4,
    onFatal: (error) => {
      throw error;
    },
  });
  await scheduler.start();
  for (let at = 0; at < jobs.length; at += BATCH) {
    const applied = scheduler.submit({
      kind: 'apply',
      definitions: jobs.slice(at, at + BATCH).map((definition) => ({ definition, source: 'company' })),
      prune: null,
      dryRun: false,
      by: 'ada@example.com',
    });
    await clock.settle();
    const refused = (await applied).filter(({ outcome }) => outcome === 'refused');
    if (refused.length > 0) throw new Error(JSON.stringify(refused[0]));
  }
  await clock.advance(lastMs);
  // What is under way ends here: the engine that comes next knows nothing of it.
  for (const { launchName } of engine.started) engine.exit(launchName, 0);
  await clock.settle();
  await scheduler.stop();
  await store.close();
}
