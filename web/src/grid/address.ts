/** The address of the grid: which jobs and columns are shown, and which cells are selected. It can be shared. Pure. */

import { choiceIn, instantIn } from '../parts/address-values.ts';

export const spans = ['rounds', 'days'] as const;
export type Span = (typeof spans)[number];

/** A cell by what it is about, so that it stays the same when jobs and columns come and go. */
export interface Place {
  readonly job: string;
  /** Start of the column, epoch milliseconds. */
  readonly at: number;
}

/** The cells between two corners. The cursor is the one that keys move. */
export interface Selected {
  readonly cursor: Place;
  readonly anchor: Place;
}

export interface Address {
  readonly by: Span;
  /** Only this job with all that depend on it. */
  readonly root: string | null;
  readonly q: string;
  /** `name=value` */
  readonly label: string | null;
  /** The label by which rows are grouped. */
  readonly group: string | null;
  /** Jobs to leave out before those shown. */
  readonly skip: string | null;
  readonly table: boolean;
  readonly selected: Selected | null;
}

export type Changes = { readonly [K in keyof Address]?: Address[K] };

export function readAddress(parameters: URLSearchParams): Address {
  const text = (name: string) => parameters.get(name) || null;
  const cursor = placeIn(text('job'), text('at'));
  return {
    by: choiceIn(text('by'), spans) ?? 'rounds',
    root: text('root'),
    q: text('q') ?? '',
    label: text('label'),
    group: text('group'),
    skip: /^\d{1,6}$/.test(text('skip') ?? '') ? text('skip') : null,
    table: text('view') === 'table',
    selected: cursor && { cursor, anchor: placeIn(text('job2'), text('at2')) ?? cursor },
  };
}

function placeIn(job: string | null, at: string | null): Place | null {
  const ms = instantIn(at);
  return job === null || ms === null ? null : { job, at: ms };
}

export function writeAddress(address: Address): URLSearchParams {
  const parameters = new URLSearchParams();
  const put = (name: string, value: string | null) => {
    if (value !== null && value !== '') parameters.set(name, value);
  };
  const iso = (ms: number) => new Date(ms).toISOString();
  put('by', address.by === 'rounds' ? null : address.by);
  put('root', address.root);
  put('q', address.q);
  put('label', address.label);
  put('group', address.group);
  put('skip', address.skip);
  put('view', address.table ? 'table' : null);
  if (address.selected !== null) {
    const { cursor, anchor } = address.selected;
    put('job', cursor.job);
    put('at', iso(cursor.at));
    if (anchor.job !== cursor.job || anchor.at !== cursor.at) {
      put('job2', anchor.job);
      put('at2', iso(anchor.at));
    }
  }
  return parameters;
}
