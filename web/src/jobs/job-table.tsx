// biome-ignore-all lint/a11y/useSemanticElements: rows that are placed one by one cannot be in a table element.
// biome-ignore-all lint/a11y/useFocusableInteractive: the focus goes to what is in the rows.
/** The rows of the job list. Only visible rows exist; arrow keys move between rows. */

import { useWindowVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { Icon } from '../parts/icon.tsx';
import type { Order, Sort } from './filter.ts';
import { JobRow } from './job-row.tsx';
import type { Pages } from './pages.ts';

const wideRow = 46;
const narrowRow = 88;
const narrow = matchMedia('(max-width: 860px)');
const onNarrow = (listener: () => void) => {
  narrow.addEventListener('change', listener);
  return () => narrow.removeEventListener('change', listener);
};

const columns: readonly { readonly sort: Sort | null; readonly text: string; readonly number?: boolean }[] = [
  { sort: 'name', text: 'Job' },
  { sort: null, text: 'Schedule' },
  { sort: 'nextDue', text: 'Next' },
  { sort: 'last', text: 'Last runs' },
  { sort: 'p50', text: 'p50', number: true },
  { sort: 'p95', text: 'p95', number: true },
  { sort: 'state', text: 'State' },
];
/** Columns whose interesting values are the largest. */
const descendingFirst: readonly Sort[] = ['last', 'p50', 'p95', 'failures'];

interface Props {
  readonly pages: Pages;
  readonly sort: Sort;
  readonly order: Order;
  readonly onSort: (next: { readonly sort: Sort; readonly order: Order }) => void;
  readonly onView: (view: { readonly first: number; readonly last: number }) => void;
}

export function JobTable({ pages, sort, order, onSort, onView }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const isNarrow = useSyncExternalStore(onNarrow, () => narrow.matches);
  useLayoutEffect(() => setTop(body.current?.offsetTop ?? 0), []);
  const rows = useWindowVirtualizer({
    count: pages.count,
    estimateSize: () => (isNarrow ? narrowRow : wideRow),
    overscan: 8,
    scrollMargin: top,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: all heights change at once with the width.
  useEffect(() => rows.measure(), [isNarrow]);
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => onView({ first, last }), [first, last, onView]);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const here = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset.index;
    if (step === 0 || here === undefined) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(pages.count - 1, Number(here) + step));
    rows.scrollToIndex(index);
    requestAnimationFrame(() =>
      body.current?.querySelector<HTMLElement>(`[data-index="${index}"] a`)?.focus({ preventScroll: true }),
    );
  };
  return (
    <div
      className="panel job-table"
      role="table"
      aria-label="Jobs"
      aria-rowcount={(pages.total ?? 0) + 1}
      onKeyDown={onKeyDown}
    >
      <div className="job-head" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <Heading key={column.text} column={column} sort={sort} order={order} onSort={onSort} />
        ))}
      </div>
      <div ref={body} role="rowgroup" className="job-rows" style={{ height: rows.getTotalSize() }}>
        {items.map(({ index, start, size }) => (
          <div
            key={index}
            className="job-row"
            role="row"
            aria-rowindex={index + 2}
            data-index={index}
            style={{ height: size, transform: `translateY(${start - top}px)` }}
          >
            <JobRow row={pages.row(index)} />
          </div>
        ))}
      </div>
    </div>
  );
}

interface HeadingProps extends Pick<Props, 'sort' | 'order' | 'onSort'> {
  readonly column: (typeof columns)[number];
}

function Heading({ column, sort, order, onSort }: HeadingProps) {
  const className = column.number === true ? 'number' : '';
  if (column.sort === null) {
    return (
      <span role="columnheader" className={className}>
        {column.text}
      </span>
    );
  }
  const own = column.sort;
  const here = sort === own;
  const natural: Order = descendingFirst.includes(own) ? 'desc' : 'asc';
  const other: Order = order === 'asc' ? 'desc' : 'asc';
  return (
    <span
      role="columnheader"
      className={className}
      aria-sort={here ? (order === 'asc' ? 'ascending' : 'descending') : 'none'}
    >
      <button type="button" onClick={() => onSort({ sort: own, order: here ? other : natural })}>
        {column.text}
        {here && <Icon name={order === 'asc' ? 'up' : 'down'} />}
      </button>
    </span>
  );
}
