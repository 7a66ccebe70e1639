/** How far a backfill is: in numbers, and as a bar of how its steps ended. */

import type { WireBackfill } from '../../../src/api/wire/backfills.ts';
import '../job/job.css';
import './backfills.css';
import { FateMark, JobMark, RunMark } from '../parts/state-mark.tsx';

export type StepState = NonNullable<WireBackfill['steps']>[number]['state'];

/** In the order of the bar. */
const parts = [
  'succeeded',
  'failed',
  'timed-out',
  'killed',
  'lost',
  'skipped',
  'missed',
] as const satisfies readonly StepState[];

export function Progress({ backfill: { counts } }: { readonly backfill: WireBackfill }) {
  const done = counts.steps - counts.waiting - counts.running;
  return (
    <div className="backfill-progress">
      <span>
        {done.toLocaleString('en')} of {counts.steps.toLocaleString('en')}
        {counts.running > 0 && <span className="muted">, {counts.running} running</span>}
      </span>
      <span className="cell-bar" aria-hidden="true">
        {parts.map(
          (state) =>
            counts[state] > 0 && (
              <i key={state} className={`fate-${state}`} style={{ flexGrow: counts[state] }} />
            ),
        )}
        <i className="backfill-left" style={{ flexGrow: counts.waiting + counts.running + counts.dropped }} />
      </span>
    </div>
  );
}

export const Ends = ({ backfill: { counts } }: { readonly backfill: WireBackfill }) => (
  <ul className="ledger-legend">
    {parts
      .filter((state) => counts[state] > 0)
      .map((state) => (
        <li key={state}>
          <FateMark fate={state}>
            {counts[state].toLocaleString('en')} {state}
          </FateMark>
        </li>
      ))}
  </ul>
);

export function BackfillState({ state }: { readonly state: WireBackfill['state'] }) {
  if (state === 'succeeded' || state === 'failed') return <RunMark state={state} />;
  if (state === 'running') return <JobMark look="running" />;
  if (state === 'paused') return <JobMark look="paused" />;
  return <JobMark look="completed">{state === 'cancelled' ? 'Cancelled' : 'Ends its last runs'}</JobMark>;
}

export function StepState({ state }: { readonly state: StepState }) {
  if (state === 'dropped') return <JobMark look="completed">Dropped</JobMark>;
  return <RunMark state={state} />;
}
