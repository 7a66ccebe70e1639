/**
 * Reads the grid in pages of columns, newest first, and keeps it live. A run event changes its cell in place. A new
 * round, a changed job or a day that goes on has the newest page read again, from the same column on.
 */

import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { WireGrid } from '../../../src/api/wire/grid.ts';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import { get } from '../data/client.ts';
import { useLiveEvents } from '../data/live-context.tsx';
import { viewerZone } from '../parts/time.ts';
import type { Address } from './address.ts';
import { withRun } from './sheet.ts';

const perPage = 50;
/** The server's maximum: a newest page that has grown to it is read anew with all others. */
const mostPerPage = 100;
/** A year of days. */
export const mostColumns = 366;
/** Events are shown in batches: a burst causes one redraw and one read. */
const settleMs = 300;
const rereadMs = 1_500;

type Pages = InfiniteData<WireGrid, string | null>;

const asked = ({ by, root, q, label, skip }: Address) => ({
  by,
  root,
  q,
  label: label === null ? undefined : [label],
  skip,
  timezone: by === 'days' ? viewerZone : undefined,
});

export function useGrid(address: Address) {
  const client = useQueryClient();
  const { by, root, q, label, skip } = address;
  const key = useMemo(() => ['grid', by, root, q, label, skip] as const, [by, root, q, label, skip]);
  const result = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      get<WireGrid>('/grid', { ...asked(address), columns: perPage, to: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ earlier }, pages) =>
      pages.reduce((sum, { columns }) => sum + columns.length, 0) >= mostColumns ? null : earlier,
    structuralSharing: false,
  });
  const pending = useMemo(() => ({ runs: [] as WireRun[], show: 0, reread: 0 }), []);

  const rereadNewest = async (): Promise<void> => {
    const first = client.getQueryData<Pages>(key)?.pages[0];
    const from = first?.columns[0]?.from;
    if (first === undefined || from === undefined || first.columns.length >= mostPerPage)
      return client.invalidateQueries({ queryKey: key });
    const fresh = await get<WireGrid>('/grid', { ...asked(address), columns: mostPerPage, from });
    client.setQueryData<Pages>(key, (now) =>
      now === undefined
        ? now
        : { ...now, pages: [{ ...fresh, earlier: now.pages[0]?.earlier ?? null }, ...now.pages.slice(1)] },
    );
  };
  const later = () => {
    pending.reread ||= window.setTimeout(() => {
      pending.reread = 0;
      rereadNewest().catch(() => undefined);
    }, rereadMs);
  };

  useLiveEvents((event) => {
    if (event.kind === 'job') later();
    if (event.kind !== 'run') return;
    pending.runs.push(event.run);
    pending.show ||= window.setTimeout(() => {
      pending.show = 0;
      const runs = pending.runs.splice(0);
      client.setQueryData<Pages>(key, (now) =>
        now === undefined ? now : { ...now, pages: now.pages.map((page) => runs.reduce(withRun, page)) },
      );
      const newest = client.getQueryData<Pages>(key)?.pages[0];
      if (newest !== undefined && runs.some((run) => isNews(newest, run))) later();
    }, settleMs);
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

/** The page cannot tell what the run changes: a day counts, and a round may be new or wait for it. */
const isNews = ({ by, jobs, columns }: WireGrid, run: WireRun): boolean =>
  jobs.some(({ name }) => name === run.job) &&
  (by === 'days' || run.endedAt !== null || !columns.some(({ from }) => from === run.due));
