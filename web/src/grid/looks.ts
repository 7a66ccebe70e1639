/** How each state looks in a cell: a tone of the theme, a shape that suffices without colour, and a word. */

import type { Tone } from '../parts/state-mark.tsx';
import { fateWord, type RunState, runTone, runWord } from '../parts/state-mark.tsx';

export type CellState = RunState | 'ran' | 'caught-up' | 'pending';

/** The letters of the answer. */
export const stateOfLetter: Readonly<Record<string, CellState>> = {
  s: 'succeeded',
  f: 'failed',
  k: 'killed',
  t: 'timed-out',
  l: 'lost',
  x: 'skipped',
  m: 'missed',
  c: 'caught-up',
  e: 'ran',
  w: 'waiting',
  q: 'queued',
  a: 'launching',
  r: 'running',
  p: 'pending',
};

/** `full`: a filled square with the sign cut out. `line`: the sign alone. Outlines in a box of 12 by 12. */
interface Look {
  readonly full: boolean;
  readonly path: string;
  readonly dashed?: true;
}

const circle = 'M6 1.6a4.4 4.4 0 1 0 0 8.8a4.4 4.4 0 1 0 0-8.8';

export const looks: Readonly<Record<CellState | 'unknown', Look>> = {
  succeeded: { full: true, path: '' },
  failed: { full: true, path: 'M3.4 3.4l5.2 5.2M8.6 3.4l-5.2 5.2' },
  killed: { full: true, path: 'M3.4 6h5.2' },
  'timed-out': { full: true, path: 'M6 2.8V6l2.4 1.6' },
  lost: { full: true, path: 'M6 2.6v4M6 9v.2' },
  skipped: { full: false, path: 'M3 6h6' },
  missed: { full: false, path: 'M6 1.5L10.5 6L6 10.5L1.5 6z' },
  'caught-up': { full: false, path: 'M2.6 3l3 3l-3 3M6.4 3l3 3l-3 3' },
  ran: { full: false, path: 'M2 2h8v8h-8z' },
  waiting: { full: false, path: circle },
  queued: { full: false, path: `${circle}M6 3.6V6h1.8` },
  launching: { full: false, path: `${circle}M6 5.6v.8` },
  running: { full: false, path: `${circle}M5 4l3 2l-3 2z` },
  pending: { full: false, path: circle, dashed: true },
  unknown: { full: false, path: 'M4.2 4.4a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.2M6 9.4v.1' },
};

export function toneOf(state: CellState | 'unknown'): Tone {
  if (state === 'pending' || state === 'ran' || state === 'unknown') return 'wait';
  return state === 'caught-up' ? 'run' : runTone(state);
}

export function wordOf(state: CellState | 'unknown' | null): string {
  if (state === null) return 'Nothing was due';
  if (state === 'unknown') return 'Not read: too much at once';
  if (state === 'pending') return 'Waits for parents';
  return state === 'ran' || state === 'caught-up' ? fateWord(state) : runWord(state);
}
