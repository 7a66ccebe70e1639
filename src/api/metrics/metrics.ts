/** Reads the metrics of this node, in turns with other work, and writes them in Prometheus' text format. */

import type {
  ArchiveFigures,
  AuditFigures,
  JobGlance,
  SchedulerHandle,
  TraceFigures,
} from '../../scheduler/handle.ts';
import { figuresOf } from '../../scheduler/read/figures.ts';
import type { Buckets } from '../../scheduler/stats/tally.ts';
import { passing } from '../lists/job-filter.ts';
import type { Turns } from '../turns.ts';
import { Ends } from './ends.ts';
import { outboxFigures } from './outbox.ts';
import { Rising } from './rising.ts';
import type { Load, Scrape, StateFigures } from './scrape.ts';
import { metrics } from './table.ts';
import { linesOf } from './text.ts';

/** Which jobs have series of their own. */
export interface MetricsJobs {
  /** Maximum number of jobs, in order of name. */
  readonly most: number;
  /** Labels that a job must have, all of them: `team=sales`, or `team` with any value. */
  readonly labels: readonly string[];
}

export interface MetricsParts {
  readonly scheduler: SchedulerHandle;
  readonly turns: Turns;
  readonly version: string;
  readonly jobs: MetricsJobs;
  readonly load: () => Load;
  /** Absent: not measured. */
  readonly loopDelay?: (() => Buckets) | undefined;
  /** Absent: runs are not traced. */
  readonly traces?: (() => TraceFigures) | undefined;
  /** Absent: there is no archive of logs. */
  readonly archive?: (() => ArchiveFigures) | undefined;
  /** Absent: the audit goes to the store alone. */
  readonly audit?: (() => AuditFigures) | undefined;
}

export class Metrics {
  readonly #parts: MetricsParts;
  readonly #ends: Ends;
  readonly #rising = new Rising();
  /** Wall time. */
  readonly #startedAt: number;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    this.#ends = new Ends(parts.scheduler);
    this.#startedAt = parts.scheduler.now() - process.uptime() * 1_000;
  }

  close(): void {
    this.#ends.close();
  }

  /** The text, in parts that are made as they are taken. `ofJobs`: with the series of jobs. */
  async text(ofJobs: boolean): Promise<Iterable<string>> {
    const scrape = await this.#scrape(ofJobs);
    return written(scrape);
  }

  async #scrape(ofJobs: boolean): Promise<Scrape> {
    const { scheduler, version, load, loopDelay, traces, archive, audit } = this.#parts;
    const { user, system } = process.cpuUsage();
    const state = await this.#state(ofJobs);
    return {
      now: scheduler.now(),
      version,
      cluster: scheduler.cluster(),
      commits: scheduler.commits(),
      loopDelay: loopDelay?.() ?? null,
      traces: traces?.() ?? null,
      archive: archive?.() ?? null,
      audit: audit?.() ?? null,
      process: {
        residentBytes: process.memoryUsage.rss(),
        cpuSeconds: (user + system) / 1e6,
        startedAt: this.#startedAt,
      },
      load: load(),
      ends: this.#ends.counts(),
      tries: scheduler.receivers().tries,
      state,
    };
  }

  async #state(ofJobs: boolean): Promise<StateFigures | null> {
    const { scheduler, turns, jobs } = this.#parts;
    if (scheduler.cluster().role === 'starting') return null;
    const { labels } = jobs;
    const most = ofJobs ? jobs.most : 0;
    const isWanted = labels.length === 0 ? everyJob : passing(scheduler, { label: labels });
    const now = scheduler.now();
    const runs = scheduler.liveRuns();
    const [engines, figures] = await Promise.all([
      scheduler.engines(),
      turns.drive(figuresOf(scheduler.reader(), { now, runs, most, isWanted })),
    ]);
    const raised = await turns.each(figures.jobs, (job) => this.#rising.raise(job));
    if (ofJobs) this.#rising.keepOnly(raised);
    const outbox = outboxFigures(scheduler.notifications(), scheduler.receivers());
    return { figures: { ...figures, jobs: raised }, engines, pools: scheduler.pools(), outbox };
  }
}

const everyJob = (_: JobGlance): boolean => true;

function* written(scrape: Scrape): Generator<string> {
  for (const metric of metrics) yield* linesOf(metric, metric.read(scrape));
}
