/** The state of a run or job: a shape, a colour and a word. The shapes suffice without colour. */

import type { ReactNode } from 'react';
import type { WireJob, WireRun } from '../../../src/api/wire/schema.ts';
import type { Fate } from './fate.ts';

export type RunState = WireRun['state'];
export type JobStatus = WireJob['status'];
export type Tone = 'ok' | 'fail' | 'late' | 'run' | 'wait';

const disc = <circle cx="6" cy="6" r="5" fill="currentColor" />;
const ring = <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.6" />;
const onDisc = (path: string) => (
  <>
    {disc}
    <path d={path} fill="none" stroke="var(--surface)" strokeWidth="1.5" strokeLinecap="round" />
  </>
);
const shapes = {
  done: onDisc('M3.6 6.2 5.3 7.9 8.5 4.4'),
  broken: onDisc('M4.2 4.2l3.6 3.6M7.8 4.2 4.2 7.8'),
  ended: onDisc('M4 4.6h4v2.8H4Z'),
  timedOut: onDisc('M6 3.4V6.2l1.8 1.2'),
  unknown: onDisc('M6 3.3v3.2M6 8.5v.01'),
  going: (
    <>
      {ring}
      <path d="M4.8 3.9v4.2L8 6Z" fill="currentColor" />
    </>
  ),
  starting: (
    <>
      {ring}
      <circle cx="6" cy="6" r="1.8" fill="currentColor" />
    </>
  ),
  waiting: ring,
  passed: <path d="M2 6h8" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
  caughtUp: (
    <path d="M2.5 3 5.5 6 2.5 9M6.5 3 9.5 6 6.5 9" fill="none" stroke="currentColor" strokeWidth="1.6" />
  ),
  missed: <path d="M6 1.5 10.5 6 6 10.5 1.5 6Z" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  held: <path d="M4 2.5v7M8 2.5v7" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
  late: (
    <path d="M6 1.3 11.3 10.5H.7ZM6 4.6v2.6M6 8.9v.01" fill="none" stroke="currentColor" strokeWidth="1.4" />
  ),
} as const;

type Shape = keyof typeof shapes;
type Look = readonly [shape: Shape, tone: Tone, word: string];

const runLooks: Record<RunState, Look> = {
  waiting: ['waiting', 'wait', 'Waiting'],
  queued: ['waiting', 'wait', 'Queued'],
  launching: ['starting', 'run', 'Launching'],
  running: ['going', 'run', 'Running'],
  succeeded: ['done', 'ok', 'Succeeded'],
  failed: ['broken', 'fail', 'Failed'],
  killed: ['ended', 'fail', 'Killed'],
  'timed-out': ['timedOut', 'fail', 'Timed out'],
  lost: ['unknown', 'fail', 'Lost'],
  skipped: ['passed', 'wait', 'Skipped'],
  missed: ['missed', 'late', 'Missed'],
};

const jobLooks: Record<JobStatus | 'late' | 'failing' | 'running' | 'waiting', Look> = {
  active: ['done', 'wait', 'Active'],
  paused: ['held', 'wait', 'Paused'],
  disabled: ['held', 'fail', 'Disabled'],
  completed: ['passed', 'wait', 'Completed'],
  late: ['late', 'late', 'Late'],
  failing: ['broken', 'fail', 'Failing'],
  running: ['going', 'run', 'Running'],
  waiting: ['waiting', 'wait', 'Waiting'],
};

export type JobLook = keyof typeof jobLooks;

/** Outcomes of due times in the ledger. */
const fateLooks: Record<Fate, Look> = {
  ...runLooks,
  ran: ['waiting', 'wait', 'Ran, end not recorded'],
  'caught-up': ['caughtUp', 'run', 'Caught up'],
  backfilled: ['caughtUp', 'run', 'Backfilled'],
};

export const fateWord = (fate: Fate): string => fateLooks[fate][2];

export const runTone = (state: RunState): Tone => runLooks[state][1];
export const runWord = (state: RunState): string => runLooks[state][2];

const Mark = ({
  look: [shape, tone, word],
  children,
}: {
  readonly look: Look;
  readonly children?: ReactNode;
}) => (
  <span className={`state tone-${tone}`}>
    <svg viewBox="0 0 12 12" aria-hidden="true">
      {shapes[shape]}
    </svg>
    <span>{children ?? word}</span>
  </span>
);

export const RunMark = ({ state }: { readonly state: RunState }) => <Mark look={runLooks[state]} />;

/** `children` replaces the word. */
export const FateMark = ({ fate, children }: { readonly fate: Fate; readonly children?: ReactNode }) => (
  <Mark look={fateLooks[fate]}>{children}</Mark>
);

/** `children` replaces the word. */
export const JobMark = ({ look, children }: { readonly look: JobLook; readonly children?: ReactNode }) => (
  <Mark look={jobLooks[look]}>{children}</Mark>
);
