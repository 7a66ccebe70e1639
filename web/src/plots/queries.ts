/** The queries of the plots. Not driven by events: redrawing every few seconds is live enough. */

import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type {
  WireRate,
  WireRunDays,
  WireRunDistribution,
  WireTimeline,
  WireTop,
} from '../../../src/api/wire/plots.ts';
import { get, type Query } from '../data/client.ts';

const everyMs = 5_000;
/** Percentiles by day change slowly. */
const slowlyMs = 60_000;

const read = <T>(path: string, query: Query, refetchInterval: number) =>
  queryOptions({
    queryKey: ['plots', path, query],
    queryFn: ({ signal }) => get<T>(path, query, signal),
    placeholderData: keepPreviousData,
    refetchInterval,
  });

const ofJob = (name: string, what: string) => `/jobs/${encodeURIComponent(name)}/stats/${what}`;

export const daysQuery = (job: string) => read<WireRunDays>(ofJob(job, 'days'), {}, slowlyMs);
export const distributionQuery = (job: string) =>
  read<WireRunDistribution>(ofJob(job, 'distribution'), {}, slowlyMs);
export const topQuery = (by: WireTop['by']) => read<WireTop>('/stats/top', { by, limit: 10 }, slowlyMs);
export const rateQuery = (step: string) => read<WireRate>('/stats/rate', { step }, everyMs);
export const timelineQuery = (query: Query) => read<WireTimeline>('/timeline', query, everyMs);
