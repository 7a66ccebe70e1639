/** A time: short in the viewer's zone, with a tooltip for the full time and the job's zone. */

import { useNow } from './now.ts';
import { dateTime, relative, shortInstant, viewerZone, zoneName } from './time.ts';

interface Props {
  readonly at: string;
  /** The job's zone, if it may differ from the viewer's. */
  readonly zone?: string | undefined;
}

function inFull({ at, zone }: Props): string {
  const ms = Date.parse(at);
  const here = `${dateTime(ms)} ${zoneName(ms, viewerZone)}`;
  if (zone === undefined || zone === viewerZone) return here;
  return `${here}\n${dateTime(ms, zone)} ${zoneName(ms, zone)} (${zone})`;
}

/** `02:00`, `Mon 02:00`, `2026-12-24 02:00` */
export function Instant(props: Props) {
  const now = useNow();
  return (
    <time dateTime={props.at} title={inFull(props)}>
      {shortInstant(Date.parse(props.at), now)}
    </time>
  );
}

/** `in 5 min` */
export function Relative(props: Props) {
  const now = useNow();
  return (
    <time dateTime={props.at} title={inFull(props)}>
      {relative(Date.parse(props.at), now)}
    </time>
  );
}

/** `2026-11-21 02:00:05` */
export const Exact = (props: Props) => (
  <time dateTime={props.at} title={inFull(props)} className="nowrap">
    {dateTime(Date.parse(props.at))}
  </time>
);
