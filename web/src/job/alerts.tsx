/** The alerts of a job: open ones, the last ended ones, and whether messages about them are muted. */

import { useQuery } from '@tanstack/react-query';
import type { WireAlert } from '../../../src/api/wire/alerts.ts';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { useMayOn } from '../access/may.ts';
import { unmuteJob } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { Acknowledgement } from '../alerts/acknowledgement.tsx';
import { alertWords } from '../alerts/words.ts';
import { jobAlertsQuery } from '../data/queries.ts';
import { Relative } from '../parts/instant.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';

const shown = 5;

export function JobAlerts({ job }: { readonly job: WireJob }) {
  const { data } = useQuery(jobAlertsQuery(job.name));
  const alerts = data?.items ?? [];
  const isMuted = job.muted !== null && Date.parse(job.muted.until) > Date.now();
  if (alerts.length === 0 && !isMuted) return null;
  const open = alerts.filter(({ endedAt }) => endedAt === null);
  const ended = alerts.filter(({ endedAt }) => endedAt !== null).slice(0, shown);
  return (
    <Panel title="Alerts">
      {isMuted && job.muted !== null && <Muted name={job.name} muted={job.muted} />}
      {alerts.length > 0 && (
        <TableScroll>
          <table className="table stacked">
            <thead>
              <tr>
                <th scope="col">Alert</th>
                <th scope="col">Reason</th>
                <th scope="col">Since</th>
                <th scope="col">Taken care of, or ended</th>
              </tr>
            </thead>
            <tbody>
              {[...open, ...ended].map((alert) => (
                <AlertRow key={alert.id} alert={alert} />
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
    </Panel>
  );
}

function AlertRow({ alert }: { readonly alert: WireAlert }) {
  const tone = alert.severity === 'critical' ? 'tone-fail' : 'tone-late';
  return (
    <tr>
      <td data-label="Alert" className="nowrap">
        <span className={alert.endedAt === null ? tone : 'muted'}>
          {alertWords[alert.condition](alert.count)}
        </span>
      </td>
      <td data-label="Reason">{alert.reason}</td>
      <td data-label="Since" className="nowrap">
        <Relative at={alert.since} />
      </td>
      <td data-label="Taken care of, or ended" className="nowrap">
        {alert.endedAt === null ? <Acknowledgement alert={alert} /> : <Relative at={alert.endedAt} />}
      </td>
    </tr>
  );
}

function Muted({ name, muted }: { readonly name: string; readonly muted: NonNullable<WireJob['muted']> }) {
  const unmute = useAction({
    run: () => unmuteJob(name),
    said: () => ({ tone: 'good', text: `${name} is no longer muted.` }),
  });
  const mayOperate = useMayOn('operate', name);
  return (
    <div className="panel-body">
      <p>
        Muted by {muted.by} until <Relative at={muted.until} />: {muted.reason}
      </p>
      {mayOperate && (
        <button type="button" className="button" disabled={unmute.isPending} onClick={() => unmute.mutate()}>
          Unmute
        </button>
      )}
      {unmute.error !== null && <ProblemNote error={unmute.error} />}
    </div>
  );
}
