/** Upcoming clock changes for a schedule, and their effect on its due times. */

import type { WireNext } from '../../../src/api/wire/views.ts';
import { dateTime, duration } from './time.ts';

type ClockChange = WireNext['clockChanges'][number];

const effects: Record<ClockChange['effect'], string> = {
  unaffected: 'no due time is affected',
  lost: 'due times in the gap are skipped',
  'runs-once-after': 'due times in the gap run once, right after it',
  moved: 'due times move with the clock',
  'first-pass': 'due times that occur twice run the first time only',
  'both-passes': 'due times that occur twice run both times',
};

interface Props {
  readonly changes: readonly ClockChange[];
  readonly zone: string;
}

export function ClockChanges({ changes, zone }: Props) {
  if (changes.length === 0) return null;
  return (
    <ul className="clock-changes">
      {changes.map(({ at, shiftMs, effect }) => (
        <li key={at} className={effect === 'unaffected' ? 'muted' : 'tone-late'}>
          {dateTime(Date.parse(at), zone).slice(0, 16)}: clocks go {shiftMs > 0 ? 'forward' : 'back'} by{' '}
          {duration(shiftMs)}; {effects[effect]}.
        </li>
      ))}
    </ul>
  );
}
