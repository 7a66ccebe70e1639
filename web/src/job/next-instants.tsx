/**
 * The next due times of the job in the viewer's zone and its own, and the effect of upcoming clock changes.
 */

import { useQuery } from '@tanstack/react-query';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { nextQuery } from '../data/queries.ts';
import { ClockChanges } from '../parts/clock-changes.tsx';
import { InstantList } from '../parts/instant-list.tsx';
import { Panel } from '../parts/panel.tsx';

const shown = 6;

export function NextInstants({ job }: { readonly job: WireJob }) {
  const { schedule } = job.definition;
  const { data } = useQuery({ ...nextQuery(job.name, shown), refetchInterval: 30_000 });
  if (schedule === undefined || schedule.after !== undefined) return null;
  const zone = schedule.timezone ?? 'UTC';
  const stands = job.status === 'paused' || job.status === 'disabled';
  return (
    <Panel title="Next" aside={stands && <span className="aside tone-late">if resumed</span>}>
      <div className="panel-body">
        {data === undefined ? (
          <div className="instants-pending" />
        ) : (
          <>
            {data.instants.length === 0 && <p className="muted">No further due times.</p>}
            <InstantList instants={data.instants} zone={zone} />
            <ClockChanges changes={data.clockChanges} zone={zone} />
          </>
        )}
      </div>
    </Panel>
  );
}
