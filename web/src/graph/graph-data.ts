/**
 * Reads the graph and keeps it live. A small graph is reloaded after events. In a large one, run events are
 * applied to the nodes, and it is reloaded at intervals.
 */

import { keepPreviousData, queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { WireGraph } from '../../../src/api/wire/views.ts';
import { get } from '../data/client.ts';
import { useLiveEvents } from '../data/live-context.tsx';
import { LiveNodes } from './live-nodes.ts';

/** Reading this many takes a few milliseconds and about ten kilobytes. */
const smallGraph = 300;
/** Events are shown in batches: a burst causes one redraw or one reload. */
const settleMs = 300;
const rereadMs = 600;
/** Interval after which counts that drifted from events are corrected. */
const anewMs = 30_000;

export interface GraphQuery {
  readonly job?: string | undefined;
  /** With `job`: maximum distance in both directions. */
  readonly depth?: number | undefined;
  readonly label?: string | undefined;
}

export const graphQuery = ({ job, depth, label }: GraphQuery) =>
  queryOptions({
    queryKey: ['graph', { job, depth, label }],
    queryFn: ({ signal }) =>
      get<WireGraph>('/graph', { job, ancestors: depth, descendants: depth, label }, signal),
    // Comparing ten thousand nodes to keep equal ones costs more than drawing them.
    structuralSharing: false,
    placeholderData: keepPreviousData,
    refetchInterval: anewMs,
  });

export function useGraph({ job, depth, label }: GraphQuery) {
  const client = useQueryClient();
  const options = useMemo(() => graphQuery({ job, depth, label }), [job, depth, label]);
  const result = useQuery(options);
  const news = useMemo(() => new LiveNodes(), []);
  const pending = useMemo(() => ({ show: 0, reread: 0 }), []);
  const small = (result.data?.nodes.length ?? 0) <= smallGraph;

  useEffect(() => {
    // Data updated from events is not a reload.
    if (!result.isFetching) news.forget();
  }, [result.isFetching, news]);

  useLiveEvents((event) => {
    if (event.kind === 'run' && !small) {
      news.add(event.run);
      pending.show ||= window.setTimeout(() => {
        pending.show = 0;
        client.setQueryData<WireGraph>(options.queryKey, (graph) => graph && news.apply(graph));
      }, settleMs);
    } else if (event.kind === 'run' || event.kind === 'job') {
      pending.reread ||= window.setTimeout(() => {
        pending.reread = 0;
        void client.invalidateQueries({ queryKey: options.queryKey });
      }, rereadMs);
    }
  });

  useEffect(
    () => () => {
      clearTimeout(pending.show);
      clearTimeout(pending.reread);
    },
    [pending],
  );
  return result;
}
