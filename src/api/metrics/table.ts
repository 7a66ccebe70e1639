/**
 * The table of metrics for Prometheus. The endpoint, the documentation and the checks of alert rules and
 * dashboards are made from it.
 *
 * Every node reports the same of the cluster, from its copy of the state: aggregate over nodes with `max`,
 * not with `sum`. Counters that only one process can count begin with that process.
 */

import { endStates, liveStates } from '../../scheduler/model/model.ts';
import type { Buckets } from '../../scheduler/stats/tally.ts';
import { type Metric, type Sample, type Scrape, type StateFigures, seconds } from './scrape.ts';
import { jobMetrics } from './table-jobs.ts';

const one = (value: number | Buckets | null): Sample[] => (value === null ? [] : [[[], value]]);
const flag = (is: boolean): Sample[] => one(is ? 1 : 0);

const node = (name: string, help: string, read: (scrape: Scrape) => Sample[]): Metric => ({
  name,
  kind: 'gauge',
  scope: 'node',
  help,
  labels: [],
  read,
});

const nodeMetrics: readonly Metric[] = [
  {
    ...node('carillon_build_info', 'Always 1. The label is the version of the program.', ({ version }) => [
      [[version], 1],
    ]),
    labels: ['version'],
  },
  node('carillon_leader', '1 if this node leads, otherwise 0.', ({ cluster }) =>
    flag(cluster.role === 'leader'),
  ),
  node('carillon_term', 'Term of the current leadership. Each election increases it.', ({ cluster }) =>
    one(cluster.term),
  ),
  node('carillon_nodes', 'Nodes of the cluster that this node knows.', ({ cluster }) =>
    one(cluster.members.length),
  ),
  node(
    'carillon_takeover_seconds',
    'Time from the election of this node to its first decision, at its last takeover. Absent if it never led.',
    ({ cluster }) => one(seconds(cluster.takeover?.tookMs ?? null)),
  ),
  node('carillon_store_reachable', '1 if this node reaches its store, otherwise 0.', ({ cluster }) =>
    flag(cluster.store.reachable),
  ),
  node(
    'carillon_lag_seconds',
    "Maximum age of this node's copy of the state. 0 on the leader, absent if unknown.",
    ({ cluster }) => one(seconds(cluster.lagMs)),
  ),
  {
    ...node(
      'carillon_store_commit_duration_seconds',
      'Durations of successful commits to the store. Only a leader commits.',
      ({ commits }) => one(commits.times),
    ),
    kind: 'histogram',
  },
  {
    ...node(
      'carillon_store_commit_failures_total',
      'Commits that the store refused, or of which the outcome is unknown.',
      ({ commits }) => one(commits.failed),
    ),
    kind: 'counter',
  },
  {
    ...node(
      'carillon_event_loop_delay_seconds',
      'How late a timer fires because the process is busy. Sampled ten times per second.',
      ({ loopDelay }) => one(loopDelay),
    ),
    kind: 'histogram',
  },
  {
    ...node(
      'carillon_notification_tries_total',
      'Messages about alerts that this node sent, by receiver (see carillon_notifications) and outcome. failed: tried again later. refused: never accepted.',
      ({ tries }) =>
        [...tries].flatMap(([receiver, { delivered, failed, refused }]): Sample[] => [
          [[receiver, 'delivered'], delivered],
          [[receiver, 'failed'], failed],
          [[receiver, 'refused'], refused],
        ]),
    ),
    kind: 'counter',
    labels: ['receiver', 'outcome'],
  },
  {
    ...node(
      'carillon_trace_spans_total',
      'Spans of runs and attempts, by outcome. exported: taken by the collector. refused: not taken. dropped: too many waited, or the collector was away at the stop. Absent without a collector.',
      ({ traces }) =>
        traces === null
          ? []
          : (['exported', 'refused', 'dropped'] as const).map((outcome) => [[outcome], traces[outcome]]),
    ),
    kind: 'counter',
    labels: ['outcome'],
  },
  node(
    'carillon_trace_spans_waiting',
    'Spans that wait for the collector. Absent without a collector.',
    ({ traces }) => one(traces?.waiting ?? null),
  ),
  {
    ...node(
      'carillon_log_archive_uploads_total',
      'Tries to copy the output of an ended attempt to the archive, by outcome. Absent without an archive.',
      ({ archive }) =>
        archive === null
          ? []
          : [
              [['uploaded'], archive.uploaded],
              [['failed'], archive.failed],
            ],
    ),
    kind: 'counter',
    labels: ['outcome'],
  },
  node(
    'carillon_log_archive_waiting',
    'Outputs that wait to be copied to the archive. Absent without an archive.',
    ({ archive }) => one(archive?.waiting ?? null),
  ),
  {
    ...node(
      'carillon_audit_lines_total',
      'Lines of the audit for --audit-log, by outcome: written, or failed, which the store alone has. Absent without the flag.',
      ({ audit }) =>
        audit === null ? [] : (['written', 'failed'] as const).map((each) => [[each], audit[each]]),
    ),
    kind: 'counter',
    labels: ['outcome'],
  },
  node('carillon_http_connections', 'Open connections.', ({ load }) => one(load.connections)),
  node('carillon_http_reads', 'Reads in progress.', ({ load }) => one(load.reads)),
  node('carillon_http_streams', 'Open event and output streams.', ({ load }) => one(load.streams)),
  node(
    'carillon_http_body_bytes',
    'Bytes of request bodies in memory, not counting small ones.',
    ({ load }) => one(load.bodyBytes),
  ),
  node(
    'carillon_http_answer_bytes',
    'Bytes of responses that clients have not read yet, not counting small ones.',
    ({ load }) => one(load.answerBytes),
  ),
  node('process_resident_memory_bytes', 'Resident memory.', ({ process }) => one(process.residentBytes)),
  {
    ...node('process_cpu_seconds_total', 'Processor time, user and system.', ({ process }) =>
      one(process.cpuSeconds),
    ),
    kind: 'counter',
  },
  node('process_start_time_seconds', 'Start of the process, in Unix time.', ({ process }) =>
    one(process.startedAt / 1_000),
  ),
];

const byState = (states: readonly string[], counts: ReadonlyMap<string, number>): Sample[] =>
  states.map((state) => [[state], counts.get(state) ?? 0]);

/** Nothing while the node has no copy of the state. */
const inCluster = (
  name: string,
  help: string,
  labels: readonly string[],
  read: (state: StateFigures, scrape: Scrape) => Sample[],
): Metric => ({
  name,
  kind: 'gauge',
  scope: 'cluster',
  help,
  labels,
  read: (scrape) => (scrape.state === null ? [] : read(scrape.state, scrape)),
});

const clusterMetrics: readonly Metric[] = [
  inCluster('carillon_jobs', 'Jobs, by status.', ['status'], ({ figures }) =>
    Object.entries(figures.byStatus).map(([status, jobs]) => [[status], jobs]),
  ),
  inCluster('carillon_jobs_late', 'Jobs that are late now.', [], ({ figures }) => one(figures.late)),
  inCluster('carillon_jobs_failing', 'Jobs whose last run failed.', [], ({ figures }) =>
    one(figures.failing),
  ),
  inCluster(
    'carillon_jobs_omitted',
    'Jobs without series of their own: beyond --metrics-jobs, or not selected by it.',
    [],
    ({ figures }) => one(figures.omitted),
  ),
  inCluster('carillon_runs', 'Unfinished runs, by state.', ['state'], ({ figures }) =>
    byState(liveStates, figures.runs),
  ),
  inCluster(
    'carillon_queue_oldest_seconds',
    'Time since the first queued run could have started. 0 if none is queued.',
    [],
    ({ figures: { queuedSince } }, { now }) =>
      one(queuedSince === null ? 0 : Math.max(0, now - queuedSince) / 1_000),
  ),
  {
    name: 'carillon_runs_ended_total',
    kind: 'counter',
    scope: 'cluster',
    help: 'Runs that ended since the start of this process, by end state.',
    labels: ['state'],
    read: ({ ends }) => byState(endStates, ends.byState),
  },
  {
    name: 'carillon_start_lateness_seconds',
    kind: 'histogram',
    scope: 'cluster',
    help: 'Time from when a run could start to its first start, for runs that ended since the start of this process.',
    labels: [],
    read: ({ ends }) => one(ends.startLateness),
  },
  {
    name: 'carillon_engine_start_duration_seconds',
    kind: 'histogram',
    scope: 'cluster',
    help: 'Time from the decision of an attempt to its start, by engine, for runs that ended since the start of this process.',
    labels: ['engine'],
    read: ({ ends }) => [...ends.startsByEngine].map(([engine, starts]) => [[engine], starts]),
  },
  inCluster(
    'carillon_engine_running',
    'Attempts that were launched and have not ended, by engine.',
    ['engine'],
    ({ engines }) => engines.map(({ name, running }) => [[name], running]),
  ),
  inCluster(
    'carillon_notifications',
    'Messages about alerts that wait, or could not be delivered, by receiver. The label is empty for all receivers that are not in the file of alerts.',
    ['receiver', 'state'],
    ({ outbox }) =>
      outbox.flatMap(({ receiver, waiting, failed }): Sample[] => [
        [[receiver, 'waiting'], waiting],
        [[receiver, 'failed'], failed],
      ]),
  ),
  inCluster(
    'carillon_notification_oldest_seconds',
    'Age of the oldest message that waits for the receiver. 0 if none does.',
    ['receiver'],
    ({ outbox }, { now }) =>
      outbox.map(({ receiver, waitingSince }) => [
        [receiver],
        waitingSince === null ? 0 : Math.max(0, now - waitingSince) / 1_000,
      ]),
  ),
  {
    ...inCluster(
      'carillon_engine_reachable',
      '1 if this node reaches the engine, otherwise 0.',
      ['engine'],
      ({ engines }) => engines.map(({ name, reachable }) => [[name], reachable ? 1 : 0]),
    ),
    scope: 'node',
  },
];

/** The leader alone assigns slots and starts attempts. */
const onLeader = (
  name: string,
  help: string,
  labels: readonly string[],
  read: (state: StateFigures) => Sample[],
): Metric => ({
  ...inCluster(name, help, labels, (state, { cluster }) => (cluster.role === 'leader' ? read(state) : [])),
  scope: 'leader',
});

const leaderMetrics: readonly Metric[] = [
  onLeader(
    'carillon_engine_slots',
    'Maximum concurrent attempts, by engine. Absent if there is no limit.',
    ['engine'],
    ({ engines }) =>
      engines.flatMap(({ name, capacity: { attempts } }): Sample[] =>
        attempts === null ? [] : [[[name], attempts]],
      ),
  ),
  onLeader('carillon_engine_queued', 'Runs that wait for a slot of the engine.', ['engine'], ({ engines }) =>
    engines.map(({ name, queued }) => [[name], queued]),
  ),
  onLeader(
    'carillon_engine_starts_waiting',
    'Launches that wait until the engine has started others.',
    ['engine'],
    ({ engines }) => engines.map(({ name, startQueue }) => [[name], startQueue]),
  ),
  onLeader('carillon_pool_slots', 'Maximum concurrent attempts, by pool.', ['pool'], ({ pools }) =>
    pools.map(({ name, places }) => [[name], places]),
  ),
  onLeader('carillon_pool_slots_used', 'Slots in use, by pool.', ['pool'], ({ pools }) =>
    pools.map(({ name, taken }) => [[name], taken]),
  ),
  onLeader('carillon_pool_queued', 'Runs that wait for a slot of the pool.', ['pool'], ({ pools }) =>
    pools.map(({ name, queued }) => [[name], queued]),
  ),
];

export const metrics: readonly Metric[] = [
  ...nodeMetrics,
  ...clusterMetrics,
  ...leaderMetrics,
  ...jobMetrics,
];
