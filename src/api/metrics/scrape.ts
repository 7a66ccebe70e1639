/** What metrics are read from at one scrape, and the form of a row of their table. */

import type {
  ArchiveFigures,
  AuditFigures,
  ClusterView,
  CommitFigures,
  EngineView,
  PoolView,
  TraceFigures,
  Tries,
} from '../../scheduler/handle.ts';
import type { EndState } from '../../scheduler/model/model.ts';
import type { Figures } from '../../scheduler/read/figures.ts';
import type { Buckets } from '../../scheduler/stats/tally.ts';
import type { OutboxFigures } from './outbox.ts';

/** The data of one scrape. */
export interface Scrape {
  readonly now: number;
  readonly version: string;
  readonly cluster: ClusterView;
  readonly commits: CommitFigures;
  /** Null: not measured. */
  readonly loopDelay: Buckets | null;
  /** Null: runs are not traced. */
  readonly traces: TraceFigures | null;
  /** Null: there is no archive of logs. */
  readonly archive: ArchiveFigures | null;
  /** Null: the audit goes to the store alone. */
  readonly audit: AuditFigures | null;
  readonly process: ProcessFigures;
  readonly load: Load;
  readonly ends: EndCounts;
  /** Of messages about alerts, by receiver. */
  readonly tries: ReadonlyMap<string, Tries>;
  /** Null while this node has no copy of the state. */
  readonly state: StateFigures | null;
}

export interface StateFigures {
  readonly figures: Figures;
  readonly engines: readonly EngineView[];
  readonly pools: readonly PoolView[];
  readonly outbox: readonly OutboxFigures[];
}

/** Resources that clients of this node use. */
export interface Load {
  readonly connections: number;
  readonly reads: number;
  readonly streams: number;
  readonly bodyBytes: number;
  readonly answerBytes: number;
}

export interface ProcessFigures {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** Wall time. */
  readonly startedAt: number;
}

/** Ends of runs that this process has learned of, as the leader or as a follower. */
export interface EndCounts {
  readonly byState: ReadonlyMap<EndState, number>;
  readonly startLateness: Buckets;
  readonly startsByEngine: ReadonlyMap<string, Buckets>;
}

export type MetricKind = 'gauge' | 'counter' | 'histogram';

/** `node`: of this node. `cluster`: the same on every node. `leader`: only on the leader. `job`: as cluster, by job. */
export type MetricScope = 'node' | 'cluster' | 'leader' | 'job';

/** Values of the labels, in their order, and the value. */
export type Sample = readonly [labels: readonly string[], value: number | Buckets];

export interface Metric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly scope: MetricScope;
  readonly help: string;
  readonly labels: readonly string[];
  /** No samples: there is nothing to report. */
  readonly read: (scrape: Scrape) => Iterable<Sample>;
}

export const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);
