/** Open alerts, newest first, and messages that could not be delivered. */

import { useQuery } from '@tanstack/react-query';
import type { WireAlert, WireNotification } from '../../../src/api/wire/alerts.ts';
import { useMayOn } from '../access/may.ts';
import { sendAgain } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { alertsQuery, notificationsQuery } from '../data/queries.ts';
import { HangsOnIt, TroubledJob } from '../home/trouble.tsx';
import { Relative } from '../parts/instant.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote, ReadProblem } from '../parts/problem-note.tsx';
import { Reason } from '../parts/reason.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { Acknowledgement } from './acknowledgement.tsx';
import { alertWords, nameOf } from './words.ts';

export default function AlertsPage() {
  usePageTitle('Alerts');
  const alerts = useQuery(alertsQuery);
  const notifications = useQuery(notificationsQuery);
  const owed = notifications.data?.items ?? [];
  return (
    <main className="page" id="main" tabIndex={-1}>
      <h1>Alerts</h1>
      <ReadProblem error={alerts.error} shown={alerts.data !== undefined} />
      {alerts.data === undefined ? (
        <div className="table-pending" />
      ) : (
        <Alerts alerts={alerts.data.items} isCut={alerts.data.next !== null} />
      )}
      {(notifications.error !== null || owed.length > 0) && (
        <Panel title="Messages that were not delivered yet">
          <ReadProblem error={notifications.error} shown={notifications.data !== undefined} />
          <Owed owed={owed} />
          {notifications.data?.next != null && (
            <p className="panel-body muted">Only the oldest {owed.length} are shown.</p>
          )}
        </Panel>
      )}
    </main>
  );
}

function Alerts({ alerts, isCut }: { readonly alerts: readonly WireAlert[]; readonly isCut: boolean }) {
  if (alerts.length === 0) return <p className="muted">No alerts are open.</p>;
  return (
    <Panel title="Open">
      <TableScroll>
        <table className="table trouble stacked">
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col">Alert</th>
              <th scope="col">Reason</th>
              <th scope="col">Since</th>
              <th scope="col">Notified</th>
              <th scope="col">Downstream jobs</th>
              <th scope="col">Taken care of</th>
            </tr>
          </thead>
          <tbody>
            {alerts.map((alert) => (
              <tr key={alert.id}>
                {alert.job === null ? (
                  <td className="strong">{nameOf(alert)}</td>
                ) : (
                  <TroubledJob job={alert.job} owner={alert.owner} />
                )}
                <td data-label="Alert" className="nowrap">
                  <span className={alert.severity === 'critical' ? 'tone-fail' : 'tone-late'}>
                    {alertWords[alert.condition](alert.count)}
                  </span>
                </td>
                <td data-label="Reason" className="trouble-why">
                  <Reason why={alert.why} text={alert.reason ?? ''} job={alert.job ?? ''} />
                </td>
                <td data-label="Since" className="nowrap">
                  <Relative at={alert.since} />
                </td>
                <td data-label="Notified">
                  {alert.notified.length === 0 ? (
                    <span className="faint">nobody</span>
                  ) : (
                    alert.notified.join(', ')
                  )}
                </td>
                <HangsOnIt job={alert.job ?? ''} dependents={alert.downstream} />
                <td data-label="Taken care of">
                  <Acknowledgement alert={alert} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      {isCut && <p className="panel-body muted">Only the newest {alerts.length} are shown.</p>}
    </Panel>
  );
}

function Owed({ owed }: { readonly owed: readonly WireNotification[] }) {
  return (
    <TableScroll>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Receiver</th>
            <th scope="col">About</th>
            <th scope="col">Since</th>
            <th scope="col">State</th>
            <th scope="col">Send</th>
          </tr>
        </thead>
        <tbody>
          {owed.map((message) => (
            <tr key={message.id}>
              <td>{message.receiver}</td>
              <td>
                {message.job ?? 'Carillon'}: {message.condition}, {message.step}
              </td>
              <td className="nowrap">
                <Relative at={message.at} />
              </td>
              <td>{message.error ?? 'Waiting for its receiver'}</td>
              <td>{message.state === 'failed' && <SendAgain message={message} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

function SendAgain({ message }: { readonly message: WireNotification }) {
  const send = useAction({
    run: () => sendAgain(message.id),
    said: () => ({ tone: 'good', text: `The message is sent to ${message.receiver} again.` }),
  });
  const mayOperate = useMayOn('operate', message.job);
  if (!mayOperate) return null;
  return (
    <>
      <button
        type="button"
        className="button"
        aria-label={`Send ${message.id} again`}
        disabled={send.isPending}
        onClick={() => send.mutate()}
      >
        Send again
      </button>
      {send.error !== null && <ProblemNote error={send.error} />}
    </>
  );
}
