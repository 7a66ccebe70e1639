/**
 * Reads the graph and keeps it live. A small one is read again when something happens in it; into a large one the
 * runs are put as they are told, and it is read anew every so often.
 */

import { keepPreviousData, queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { WireGraph } from '../../../src/api/wire/views.ts';
import { get } from '../data/client.ts';
import { useLiveEvents } from '../data/live-context.tsx';
import { LiveNodes } from './live-nodes.ts';

/** Reading so many takes a few milliseconds and some ten kilobytes. */
const smallGraph = 300;
/** News are shown together: a burst is one redraw, or one reading. */
const settleMs = 300;
const rereadMs = 600;
/** What counting by news may have wrong is right after so long. */
const anewMs = 30_000;

export interface GraphQuery {
  readonly job?: string | undefined;
  /** With `job`: how many steps away, both ways. */
  readonly depth?: number | undefined;
  readonly label?: string | undefined;
}

export const graphQuery = ({ job, depth, label }: GraphQuery) =>
  queryOptions({
    queryKey: ['graph', { job, depth, label }],
    queryFn: ({ signal }) =>
      get<WireGraph>('/graph', { job, ancestors: depth, descendants: depth, label }, signal),
    // Comparing ten thousand nodes with those before, to keep what is equal, costs more than drawing them.
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
    // What was put in by news is no reading.
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
