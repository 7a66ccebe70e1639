/** The grid: how many jobs did in many rounds or days. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import type { WireRunList } from '../../../src/api/wire/schema.ts';
import { get } from '../data/client.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { type Address, type Changes, readAddress, type Selected, writeAddress } from './address.ts';
import { GridCanvas } from './canvas.tsx';
import { Details } from './details.tsx';
// The search and the switches of the toolbar are those of the graph.
import '../graph/graph.css';
import './grid.css';
import { useGrid } from './grid-data.ts';
import { Legend } from './legend.tsx';
import { RerunDialog } from './rerun-dialog.tsx';
import { placeAt, type Sheet, type Spot, sheetOf } from './sheet.ts';
import { GridTable } from './table.tsx';
import { Toolbar } from './toolbar.tsx';

export default function GridPage() {
  const [address, change] = useAddress();
  usePageTitle(address.root === null ? 'Grid' : `Grid of ${address.root}`);
  const grid = useGrid(address);
  const { data, error, isFetchingNextPage, hasNextPage, fetchNextPage } = grid;
  const sheet = useMemo(() => sheetOf(data?.pages ?? [], address.group), [data, address.group]);
  const older = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const jobs = data?.pages[0]?.jobs ?? [];
  return (
    <main className="grid-page" id="main" tabIndex={-1} aria-busy={data === undefined && error === null}>
      <h1 className="visually-hidden">Grid</h1>
      <Toolbar address={address} jobs={jobs} change={change} />
      {data === undefined ? (
        <div className="grid-body">
          {error === null ? <p className="grid-note muted">Reading …</p> : <ProblemNote error={error} />}
        </div>
      ) : sheet.rows.length === 0 ? (
        <Nothing filtered={isFiltered(address)} />
      ) : (
        <Shown
          sheet={sheet}
          address={address}
          change={change}
          onOlder={hasNextPage ? older : null}
          reading={isFetchingNextPage}
        />
      )}
    </main>
  );
}

interface ShownProps {
  readonly sheet: Sheet;
  readonly address: Address;
  readonly change: (changes: Changes) => void;
  readonly onOlder: (() => void) | null;
  readonly reading: boolean;
}

function Shown({ sheet, address, change, onOlder, reading }: ShownProps) {
  const [selected, select] = useSelection(address.selected, change);
  const [asked, setAsked] = useState(false);
  const open = useOpening(sheet);
  return (
    <>
      <div className="grid-body">
        {address.table ? (
          <GridTable sheet={sheet} onSelect={select} onOlder={onOlder} />
        ) : (
          <GridCanvas
            sheet={sheet}
            selected={selected}
            onSelect={select}
            onOpen={open}
            onRerun={() => setAsked(true)}
            onOldest={onOlder ?? (() => undefined)}
          />
        )}
      </div>
      {selected !== null && (
        <Details
          sheet={sheet}
          selected={selected}
          root={address.root}
          onRerun={() => setAsked(true)}
          onClose={() => select(null)}
        />
      )}
      <footer className="grid-footer">
        <Legend sheet={sheet} />
        <span className="muted" role="status">
          {reading && 'Reading older columns … '}
          {sheet.columns.length === 0 && 'Nothing was due yet. '}
          <More sheet={sheet} address={address} change={change} />
        </span>
      </footer>
      {asked && selected !== null && (
        <RerunDialog sheet={sheet} selected={selected} onClose={() => setAsked(false)} />
      )}
    </>
  );
}

/** Where more jobs are selected than are shown at once. */
function More({ sheet, address, change }: Pick<ShownProps, 'sheet' | 'address' | 'change'>) {
  const shown = sheet.rows.filter(({ kind }) => kind === 'job').length;
  const skip = Number(address.skip ?? 0);
  if (sheet.total <= shown)
    return (
      <>
        {shown} {shown === 1 ? 'job' : 'jobs'}
      </>
    );
  return (
    <>
      Jobs {skip + 1} to {skip + shown} of {sheet.total.toLocaleString('en')}{' '}
      {skip > 0 && (
        <button
          type="button"
          className="button button-small"
          onClick={() => change({ skip: String(Math.max(0, skip - 500)) })}
        >
          Previous
        </button>
      )}{' '}
      {skip + shown < sheet.total && (
        <button
          type="button"
          className="button button-small"
          onClick={() => change({ skip: String(skip + shown) })}
        >
          Next
        </button>
      )}
    </>
  );
}

const isFiltered = ({ root, q, label }: Address): boolean => root !== null || q !== '' || label !== null;

const Nothing = ({ filtered }: { readonly filtered: boolean }) => (
  <p className="grid-body grid-note">
    {filtered ? (
      <>
        No job matches. <Link href="/grid">Show all jobs</Link>
      </>
    ) : (
      <>
        There are no jobs yet. <Link href="/new">Create the first job</Link>
      </>
    )}
  </p>
);

function useAddress(): readonly [Address, (changes: Changes) => void] {
  const [parameters, setParameters] = useSearchParams();
  const text = parameters.toString();
  const address = useMemo(() => readAddress(new URLSearchParams(text)), [text]);
  const change = useCallback(
    (changes: Changes) =>
      setParameters((now) => writeAddress({ ...readAddress(now), ...changes }), { replace: true }),
    [setParameters],
  );
  return [address, change];
}

/** Browsers refuse an address that changes with every key that is held down. */
const settleMs = 250;

/** The selection of the address, which follows it with a little delay. */
function useSelection(
  ofAddress: Selected | null,
  change: (changes: Changes) => void,
): readonly [Selected | null, (selected: Selected | null) => void] {
  const [selected, setSelected] = useState(ofAddress);
  const timer = useRef(0);
  const written = useRef(JSON.stringify(ofAddress));
  useEffect(() => {
    // The address was changed by something else: a link, or the history.
    if (timer.current !== 0 || JSON.stringify(ofAddress) === written.current) return;
    written.current = JSON.stringify(ofAddress);
    setSelected(ofAddress);
  }, [ofAddress]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const select = (next: Selected | null) => {
    setSelected(next);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      written.current = JSON.stringify(next);
      change({ selected: next });
    }, settleMs);
  };
  return [selected, select];
}

/** Opens the newest run of a cell, or the runs of the job if there is none. */
function useOpening(sheet: Sheet): (spot: Spot) => void {
  const [, navigate] = useLocation();
  return (spot) => {
    const place = placeAt(sheet, spot);
    const column = sheet.columns[spot.column];
    if (place === null || column === undefined) return;
    const span = { from: new Date(column.from).toISOString(), to: new Date(column.to).toISOString() };
    get<WireRunList>('/runs', { job: place.job, ...span, limit: 20 }).then(
      ({ items }) => {
        const [newest] = [...items].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
        navigate(newest === undefined ? `/jobs/${place.job}/ledger` : `/runs/${newest.id}`);
      },
      () => navigate(`/jobs/${place.job}/runs`),
    );
  };
}
