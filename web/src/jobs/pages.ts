/**
 * The job list page by page. The server uses cursors. Only visible pages are read, and only those are
 * reloaded after events, so the cost of a list of 100,000 jobs depends on what is visible.
 */

import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { WireJobRow, WireJobRowList } from '../../../src/api/wire/schema.ts';
import { get, type Query } from '../data/client.ts';

export const pageSize = 100;

export interface Pages {
  /** Number of scrollable rows: the known ones, and the page after them. */
  readonly count: number;
  /** Number of matching jobs. Null: not known yet. */
  readonly total: number | null;
  readonly error: unknown;
  /** Null until the row is loaded. */
  row(index: number): WireJobRow | null;
}

/** `first` and `last` are the indexes of the visible rows. */
export function useJobPages(query: Query, view: { readonly first: number; readonly last: number }): Pages {
  const [cursors, setCursors] = useCursors(JSON.stringify(query));
  const shown = pagesIn(view, cursors.length);
  const results = useQueries({
    queries: shown.map((page) => ({
      queryKey: ['lists', 'jobs', query, cursors[page] ?? null],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
        get<WireJobRowList>(
          '/jobs',
          { ...query, view: 'row', limit: pageSize, cursor: cursors[page] },
          signal,
        ),
      ...(page === 0 && { placeholderData: keepPreviousData }),
    })),
  });
  // The end of a page is fixed when it is first read: moving it would move all later pages.
  useEffect(() => {
    shown.forEach((page, i) => {
      const result = results[i];
      const next = result?.data?.next;
      if (page === cursors.length - 1 && next && result?.isPlaceholderData !== true)
        setCursors([...cursors, next]);
    });
  });
  const total = results.find(({ data }) => data !== undefined)?.data?.total;
  const known = useRef<number | null>(null);
  if (total !== undefined) known.current = total;
  return {
    count: Math.min(known.current ?? pageSize, cursors.length * pageSize),
    total: known.current,
    error: results.find(({ error }) => error !== null)?.error ?? null,
    row: (index) => {
      const at = shown.indexOf(Math.floor(index / pageSize));
      return results[at]?.data?.items[index % pageSize] ?? null;
    },
  };
}

/** Cursors of the known pages. A new query starts without any. */
function useCursors(key: string) {
  const [state, setState] = useState<{ readonly key: string; readonly cursors: readonly (string | null)[] }>({
    key,
    cursors: [null],
  });
  const cursors = state.key === key ? state.cursors : first;
  return [cursors, (next: readonly (string | null)[]) => setState({ key, cursors: next })] as const;
}
const first: readonly (string | null)[] = [null];

function pagesIn(
  { first: from, last }: { readonly first: number; readonly last: number },
  known: number,
): number[] {
  const newest = Math.min(Math.floor(last / pageSize), known - 1);
  const oldest = Math.min(Math.floor(from / pageSize), newest);
  return Array.from({ length: newest - oldest + 1 }, (_, i) => oldest + i);
}
