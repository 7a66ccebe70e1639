/**
 * Metrics in Prometheus' text format. Gauges are read from the scheduler on request. Counters count its
 * notices since the start of the process, as Prometheus expects. All nodes see the same jobs and runs, but
 * only the leader reports them, so that sums over nodes are correct.
 */

import type { SchedulerHandle } from '../scheduler/handle.ts';
import { type EndState, endStates, liveStates, type Run } from '../scheduler/model/model.ts';
import { readyAt } from '../scheduler/model/run-state.ts';

/**
 * Upper bounds in seconds: a prepared container starts within a few milliseconds, and an outage can last
 * hours.
 */
const latenessBounds = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600,
];

/** Resources that clients of this node use. */
export interface Load {
  readonly connections: number;
  readonly reads: number;
  readonly streams: number;
  readonly bodyBytes: number;
  readonly answerBytes: number;
}

export class Metrics {
  readonly #scheduler: SchedulerHandle;
  readonly #load: () => Load;
  readonly #unsubscribe: () => void;
  readonly #ended = new Map<EndState, number>(endStates.map((state) => [state, 0]));
  /** One bucket per bound, and one for values above all bounds. */
  readonly #lateness = new Array<number>(latenessBounds.length + 1).fill(0);
  #latenessSeconds = 0;

  constructor(scheduler: SchedulerHandle, load: () => Load) {
    this.#scheduler = scheduler;
    this.#load = load;
    this.#unsubscribe = scheduler.subscribe((notice) => {
      if (notice.kind !== 'run' || notice.run.endedAt === null) return;
      if (scheduler.cluster().role === 'leader') this.#count(notice.run);
    });
  }

  close(): void {
    this.#unsubscribe();
  }

  text(): string {
    const { role, term, lagMs, store } = this.#scheduler.cluster();
    const leads = role === 'leader';
    const lines = [
      ...gauge('carillon_leader', '1 if this node leads.', [['', leads ? 1 : 0]]),
      ...gauge('carillon_term', 'Term of the current leadership.', [['', term]]),
      ...gauge('carillon_store_reachable', '1 if this node reaches its store.', [
        ['', store.reachable ? 1 : 0],
      ]),
      ...(lagMs === null
        ? []
        : gauge('carillon_lag_seconds', "Maximum age of this node's copy of the state.", [
            ['', lagMs / 1_000],
          ])),
      ...(leads ? this.#present() : []),
      ...counter('carillon_runs_ended_total', 'Ended runs, by end state.', byState(endStates, this.#ended)),
      ...this.#startLateness(),
      ...this.#clients(),
      ...gauge('process_resident_memory_bytes', 'Resident memory.', [['', process.memoryUsage.rss()]]),
    ];
    return `${lines.join('\n')}\n`;
  }

  #count(run: Run): void {
    const state = run.state as EndState;
    this.#ended.set(state, (this.#ended.get(state) ?? 0) + 1);
    const started = run.attempts.find((attempt) => attempt.startedAt !== null)?.startedAt ?? null;
    if (started === null) return;
    const seconds = Math.max(0, started - readyAt(run)) / 1_000;
    const place = latenessBounds.findIndex((bound) => seconds <= bound);
    this.#lateness[place < 0 ? latenessBounds.length : place]! += 1;
    this.#latenessSeconds += seconds;
  }

  #present(): string[] {
    const unfinished = new Map<string, number>();
    for (const { state } of this.#scheduler.liveRuns())
      unfinished.set(state, (unfinished.get(state) ?? 0) + 1);
    return [
      ...gauge('carillon_jobs', 'Jobs.', [['', this.#scheduler.jobCount()]]),
      ...gauge('carillon_runs', 'Unfinished runs, by state.', byState(liveStates, unfinished)),
    ];
  }

  #clients(): string[] {
    const { connections, reads, streams, bodyBytes, answerBytes } = this.#load();
    return [
      ...gauge('carillon_http_connections', 'Open connections.', [['', connections]]),
      ...gauge('carillon_http_reads', 'Reads in progress.', [['', reads]]),
      ...gauge('carillon_http_streams', 'Open event and output streams.', [['', streams]]),
      ...gauge('carillon_http_body_bytes', 'Bytes of request bodies in memory, not counting small ones.', [
        ['', bodyBytes],
      ]),
      ...gauge(
        'carillon_http_answer_bytes',
        'Bytes of responses that clients have not read yet, not counting small ones.',
        [['', answerBytes]],
      ),
    ];
  }

  #startLateness(): string[] {
    const name = 'carillon_start_lateness_seconds';
    let sum = 0;
    const buckets = this.#lateness.map((count, place) => {
      sum += count;
      return `${name}_bucket{le="${latenessBounds[place] ?? '+Inf'}"} ${sum}`;
    });
    return [
      ...head(name, 'histogram', 'Time from when a run could start to its first start, for ended runs.'),
      ...buckets,
      `${name}_sum ${this.#latenessSeconds}`,
      `${name}_count ${sum}`,
    ];
  }
}

type Sample = readonly [labels: string, value: number];

const byState = (states: readonly string[], counts: ReadonlyMap<string, number>): Sample[] =>
  states.map((state) => [`{state="${state}"}`, counts.get(state) ?? 0]);

const head = (name: string, type: string, help: string) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

const gauge = (name: string, help: string, samples: readonly Sample[]) =>
  family(name, 'gauge', help, samples);
const counter = (name: string, help: string, samples: readonly Sample[]) =>
  family(name, 'counter', help, samples);

const family = (name: string, type: string, help: string, samples: readonly Sample[]): string[] => [
  ...head(name, type, help),
  ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
];
