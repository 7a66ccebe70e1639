/** The timeline of a run, as proportional bars and as a list of moments. */

import type { WireRun } from '../../../src/api/wire/schema.ts';
import { useNow } from '../parts/now.ts';
import { clockTime, dateTime, duration } from '../parts/time.ts';
import { type Bar, barsOf, momentsOf } from './timeline.ts';

export function RunTimeline({ run }: { readonly run: WireRun }) {
  const now = useNow();
  return (
    <div className="panel-body">
      <div className="way-bars" aria-hidden="true">
        {barsOf(run, now).map((bar) => (
          <BarLine key={bar.attempt} bar={bar} />
        ))}
      </div>
      <ol className="way">
        {momentsOf(run).map(({ what, at, sinceMs, note, tone }) => (
          <li key={`${what} ${at}`} className={`way-${tone}`}>
            <span className="way-what">{what}</span>
            <time dateTime={at} title={dateTime(Date.parse(at))}>
              {clockTime(Date.parse(at))}
              <small>.{String(new Date(at).getUTCMilliseconds()).padStart(3, '0')}</small>
            </time>
            <span className="way-since">{sinceMs === null ? '' : `+${duration(sinceMs)}`}</span>
            {note !== null && <span className="way-note">{note}</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}

const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;

function BarLine({ bar: { created, started, ended, good } }: { readonly bar: Bar }) {
  const launched = started ?? ended;
  return (
    <div className="way-bar">
      <i className="way-launching" style={{ left: percent(created), width: percent(launched - created) }} />
      {started !== null && (
        <i
          className={good === null ? 'way-running' : good ? 'way-good' : 'way-bad'}
          style={{ left: percent(started), width: percent(ended - started) }}
        />
      )}
    </div>
  );
}
