/**
 * The queries of the pages with their keys. Keys begin with `lists` (affected by every event), `job` and the
 * name (affected by events of this job), or `run` and the id (replaced by the run's own events); see
 * `live.ts`.
 */

import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { WireAuditLine, WireLogInOptions, WireMe, WireToken } from '../../../src/api/wire/access.ts';
import type { WireAlertList, WireNotificationList } from '../../../src/api/wire/alerts.ts';
import type { WireBackfill, WireBackfillList } from '../../../src/api/wire/backfills.ts';
import type { WireOverview } from '../../../src/api/wire/plots.ts';
import type { WireRendered } from '../../../src/api/wire/rendered.ts';
import type {
  WireDiff,
  WireJob,
  WireLedger,
  WireLedgerLine,
  WireRevisionList,
  WireRun,
  WireRunList,
} from '../../../src/api/wire/schema.ts';
import type {
  WireCluster,
  WireEngineList,
  WireGraph,
  WireJobStats,
  WireNext,
  WirePoolList,
} from '../../../src/api/wire/views.ts';
import { get, type Query } from './client.ts';

const jobPath = (name: string): string => `/jobs/${encodeURIComponent(name)}`;

/** Who asks, and what he may do. It may change at any time: with a rule, a token, or a log-in in another tab. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => get<WireMe>('/me', {}, signal),
});

export const logInOptionsQuery = queryOptions({
  queryKey: ['log-in'],
  queryFn: ({ signal }) => get<WireLogInOptions>('/login/options', {}, signal),
});

export const tokensQuery = (query: Query) =>
  queryOptions({
    queryKey: ['tokens', query],
    queryFn: ({ signal }) =>
      get<{ readonly items: readonly WireToken[]; readonly next: string | null }>('/tokens', query, signal),
    placeholderData: keepPreviousData,
  });

export const auditQuery = (query: Query) =>
  queryOptions({
    queryKey: ['audit', query],
    queryFn: ({ signal }) =>
      get<{ readonly items: readonly WireAuditLine[]; readonly next: string | null }>(
        '/audit',
        query,
        signal,
      ),
    placeholderData: keepPreviousData,
  });

export const overviewQuery = queryOptions({
  queryKey: ['lists', 'overview'],
  queryFn: ({ signal }) => get<WireOverview>('/overview', {}, signal),
  // Jobs become late without an event.
  refetchInterval: 10_000,
});

export const jobQuery = (name: string) =>
  queryOptions({
    queryKey: ['job', name, 'definition'],
    queryFn: ({ signal }) => get<WireJob>(jobPath(name), {}, signal),
  });

export const jobRunsQuery = (name: string, query: Query) =>
  queryOptions({
    queryKey: ['job', name, 'runs', query],
    queryFn: ({ signal }) => get<WireRunList>(`${jobPath(name)}/runs`, query, signal),
    placeholderData: keepPreviousData,
  });

export const jobStatsQuery = (name: string) =>
  queryOptions({
    queryKey: ['job', name, 'stats'],
    queryFn: ({ signal }) => get<WireJobStats>(`${jobPath(name)}/stats`, {}, signal),
  });

export const nextQuery = (name: string, count: number) =>
  queryOptions({
    queryKey: ['job', name, 'next', count],
    queryFn: ({ signal }) => get<WireNext>(`${jobPath(name)}/next`, { count }, signal),
  });

/** Pages of a thousand entries: more would take longer to draw than is useful. */
const ledgerPages = 5;

/** The outcomes of due times in a range; `cut`: there are more than were read. */
export const ledgerQuery = (name: string, span: { readonly from: string; readonly to: string }) =>
  queryOptions({
    queryKey: ['job', name, 'ledger', span],
    queryFn: async ({ signal }): Promise<{ readonly lines: WireLedgerLine[]; readonly cut: boolean }> => {
      const lines: WireLedgerLine[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < ledgerPages; page++) {
        const answer: WireLedger = await get(
          `${jobPath(name)}/ledger`,
          { ...span, limit: 1000, cursor },
          signal,
        );
        lines.push(...answer.items);
        cursor = answer.next;
        if (cursor === null) break;
      }
      return { lines, cut: cursor !== null };
    },
    placeholderData: keepPreviousData,
  });

export const revisionsQuery = (name: string) =>
  queryOptions({
    queryKey: ['job', name, 'revisions'],
    queryFn: ({ signal }) => get<WireRevisionList>(`${jobPath(name)}/revisions`, {}, signal),
  });

export const diffQuery = (name: string, span: { readonly from: number; readonly to: number }) =>
  queryOptions({
    queryKey: ['job', name, 'diff', span],
    queryFn: ({ signal }) => get<WireDiff>(`${jobPath(name)}/diff`, span, signal),
  });

export const jobGraphQuery = (name: string) =>
  queryOptions({
    queryKey: ['job', name, 'graph'],
    queryFn: ({ signal }) => get<WireGraph>('/graph', { job: name }, signal),
  });

export const runsQuery = (query: Query) =>
  queryOptions({
    queryKey: ['lists', 'runs', query],
    queryFn: ({ signal }) => get<WireRunList>('/runs', query, signal),
    placeholderData: keepPreviousData,
  });

export const backfillsQuery = queryOptions({
  queryKey: ['lists', 'backfills'],
  queryFn: ({ signal }) => get<WireBackfillList>('/backfills', {}, signal),
});

export const backfillQuery = (id: string) =>
  queryOptions({
    queryKey: ['lists', 'backfills', id],
    queryFn: ({ signal }) => get<WireBackfill>(`/backfills/${encodeURIComponent(id)}`, {}, signal),
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ['run', id],
    queryFn: ({ signal }) => get<WireRun>(`/runs/${encodeURIComponent(id)}`, {}, signal),
  });

/** Of its newest attempt, with the revision that launched it. */
export const renderedQuery = ({ id, revision, attempts }: WireRun) =>
  queryOptions({
    queryKey: ['rendered', id, revision, attempts.length],
    queryFn: ({ signal }) => get<WireRendered>(`/runs/${encodeURIComponent(id)}/rendered`, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Not driven by events: nodes join and leave without one. */
/** Alerts open and end with runs, and become late without an event. */
export const alertsQuery = queryOptions({
  queryKey: ['lists', 'alerts'],
  queryFn: ({ signal }) => get<WireAlertList>('/alerts', { limit: 500 }, signal),
  refetchInterval: 10_000,
});

/** Open and ended. */
export const jobAlertsQuery = (name: string) =>
  queryOptions({
    queryKey: ['job', name, 'alerts'],
    queryFn: ({ signal }) => get<WireAlertList>(`/jobs/${encodeURIComponent(name)}/alerts`, {}, signal),
    refetchInterval: 10_000,
  });

export const notificationsQuery = queryOptions({
  queryKey: ['lists', 'notifications'],
  queryFn: ({ signal }) => get<WireNotificationList>('/notifications', { limit: 500 }, signal),
  refetchInterval: 10_000,
});

export const clusterQuery = queryOptions({
  queryKey: ['cluster'],
  queryFn: ({ signal }) => get<WireCluster>('/cluster', {}, signal),
  refetchInterval: 5_000,
});

export const enginesQuery = queryOptions({
  queryKey: ['engines'],
  queryFn: ({ signal }) => get<WireEngineList>('/engines', {}, signal),
  refetchInterval: 5_000,
});

export const poolsQuery = queryOptions({
  queryKey: ['pools'],
  queryFn: ({ signal }) => get<WirePoolList>('/pools', {}, signal),
  refetchInterval: 5_000,
});
