/** Upcoming times, each in the viewer's zone and in the job's. */

import { Relative } from './instant.tsx';
import { clockTime, dateTime, viewerZone, weekday, zoneName } from './time.ts';

interface Props {
  readonly instants: readonly string[];
  readonly zone: string;
}

export const InstantList = ({ instants, zone }: Props) => (
  <ol className="instants">
    {instants.map((at) => {
      const ms = Date.parse(at);
      return (
        <li key={at}>
          <time dateTime={at}>
            {weekday(ms)} {dateTime(ms)}
          </time>
          {zone !== viewerZone && (
            <span className="muted">
              {clockTime(ms, zone)} {zoneName(ms, zone)}
            </span>
          )}
          <span className="faint instants-end">
            <Relative at={at} />
          </span>
        </li>
      );
    })}
  </ol>
);
