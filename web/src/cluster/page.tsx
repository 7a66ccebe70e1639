/** The nodes and engines: who leads, how far followers lag, and which engines are reachable. */

import { useQuery } from '@tanstack/react-query';
import type { WireCluster, WireEngine, WirePool } from '../../../src/api/wire/views.ts';
import { clusterQuery, enginesQuery, poolsQuery } from '../data/queries.ts';
import { Fact, Facts } from '../parts/fact.tsx';
import { Exact } from '../parts/instant.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Panel } from '../parts/panel.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { duration } from '../parts/time.ts';

export default function ClusterPage() {
  usePageTitle('Cluster');
  const cluster = useQuery(clusterQuery);
  const engines = useQuery(enginesQuery);
  const pools = useQuery(poolsQuery);
  return (
    <main className="page" id="main" tabIndex={-1}>
      <h1>Cluster</h1>
      <ReadProblem error={cluster.error} shown={cluster.data !== undefined} />
      {cluster.data !== undefined && <Cluster cluster={cluster.data} />}
      <Panel title="Engines">
        <ReadProblem error={engines.error} shown={engines.data !== undefined} />
        {engines.data === undefined ? (
          <div className="table-pending" />
        ) : (
          <Engines engines={engines.data.items} />
        )}
      </Panel>
      {engines.data?.items.map(
        ({ name, hosts = [] }) =>
          hosts.length > 0 && (
            <Panel key={name} title={`Hosts of ${name}`}>
              <Hosts hosts={hosts} />
            </Panel>
          ),
      )}
      {/* Without pools there is no panel. */}
      {(pools.error !== null || (pools.data?.items.length ?? 0) > 0) && (
        <Panel title="Pools">
          <ReadProblem error={pools.error} shown={pools.data !== undefined} />
          {pools.data !== undefined && <Pools pools={pools.data.items} />}
        </Panel>
      )}
    </main>
  );
}

function Cluster({ cluster: { leader, term, members, store, takeover } }: { readonly cluster: WireCluster }) {
  return (
    <>
      {leader === null && (
        <p className="callout callout-fail">No node leads at the moment, so no jobs are started.</p>
      )}
      {!store.reachable && <p className="callout callout-fail">The store is unreachable: {store.detail}</p>}
      <Panel title="Nodes">
        <TableScroll>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Role</th>
                <th scope="col" className="number">
                  Lag
                </th>
                <th scope="col">Host</th>
                <th scope="col" className="number">
                  Process
                </th>
                <th scope="col">Version</th>
                <th scope="col">Running</th>
                <th scope="col">Labels</th>
              </tr>
            </thead>
            <tbody>
              {members.map(
                ({ id, url, role, lagMs, host, pid, version, labels = {}, capacity = {}, running = {} }) => (
                  <tr key={id}>
                    <td>
                      <a href={url}>{url}</a>
                    </td>
                    <td>{role === 'leader' ? <strong>Leader</strong> : 'Follower'}</td>
                    <td className="number">
                      {lagMs === null ? <span className="tone-late">no response</span> : duration(lagMs)}
                    </td>
                    <td>{host}</td>
                    <td className="number">{pid}</td>
                    <td>{version}</td>
                    <td>
                      {Object.entries(capacity)
                        .map(([engine, most]) => `${engine} ${running[engine] ?? 0} of ${most}`)
                        .join(', ')}
                    </td>
                    <td>{labelsIn(labels)}</td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </TableScroll>
      </Panel>
      <Panel title="Leadership and store">
        <div className="panel-body">
          <Facts>
            <Fact name="Term">{term}</Fact>
            <Fact name="Store">
              {store.reachable ? 'Reachable' : 'Not reachable'}
              {store.detail !== null && <span className="muted">, {store.detail}</span>}
            </Fact>
            {takeover !== null && (
              <Fact name="Last takeover">
                <Exact at={takeover.at} />, took {duration(takeover.tookMs)}
              </Fact>
            )}
          </Facts>
        </div>
      </Panel>
    </>
  );
}

const labelsIn = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(', ');

/** The first cells of an engine or a host. */
const Reached = ({ name, reachable, detail }: Pick<WireEngine, 'name' | 'reachable' | 'detail'>) => (
  <>
    <td>
      <strong>{name}</strong>
      {detail !== null && <div className="muted">{detail}</div>}
    </td>
    <td>
      {reachable ? (
        <span className="tone-ok">Reachable</span>
      ) : (
        <span className="tone-fail">Not reachable</span>
      )}
    </td>
  </>
);

const Engines = ({ engines }: { readonly engines: readonly WireEngine[] }) => (
  <TableScroll>
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Engine</th>
          <th scope="col">State</th>
          <th scope="col">Version</th>
          <th scope="col" className="number">
            Running
          </th>
          <th scope="col" className="number">
            Starting
          </th>
          <th scope="col" className="number">
            Queued
          </th>
          <th scope="col" className="number">
            Start p50
          </th>
          <th scope="col" className="number">
            Start p99
          </th>
        </tr>
      </thead>
      <tbody>
        {engines.map(
          ({
            name,
            reachable,
            version,
            detail,
            running,
            startQueue,
            queued,
            capacity,
            startLatency,
            hosts,
          }) => (
            <tr key={name}>
              <Reached name={name} reachable={reachable} detail={detail} />
              <td>{version ?? '–'}</td>
              <td className="number">
                {running}
                {capacity.attempts !== null && <span className="muted"> of {capacity.attempts}</span>}
                {capacity.nodes > 1 && (
                  <div className="muted">
                    on {capacity.nodes} {hosts === undefined ? 'nodes' : 'hosts'}
                  </div>
                )}
              </td>
              <td className="number">{startQueue}</td>
              <td className="number">{queued}</td>
              <td className="number">{duration(startLatency.p50)}</td>
              <td className="number">{duration(startLatency.p99)}</td>
            </tr>
          ),
        )}
      </tbody>
    </table>
  </TableScroll>
);

const Hosts = ({ hosts }: { readonly hosts: NonNullable<WireEngine['hosts']> }) => (
  <TableScroll>
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">State</th>
          <th scope="col" className="number">
            Running
          </th>
          <th scope="col">Labels</th>
        </tr>
      </thead>
      <tbody>
        {hosts.map(({ name, reachable, detail, running, attempts, labels }) => (
          <tr key={name}>
            <Reached name={name} reachable={reachable} detail={detail} />
            <td className="number">
              {running} <span className="muted">of {attempts}</span>
            </td>
            <td>{labelsIn(labels) || '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </TableScroll>
);

const Pools = ({ pools }: { readonly pools: readonly WirePool[] }) => (
  <TableScroll>
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Pool</th>
          <th scope="col" className="number">
            In use
          </th>
          <th scope="col" className="number">
            Slots
          </th>
          <th scope="col" className="number">
            Waiting runs
          </th>
        </tr>
      </thead>
      <tbody>
        {pools.map(({ name, places, taken, queued }) => (
          <tr key={name}>
            <td>
              <strong>{name}</strong>
            </td>
            <td className="number">{taken}</td>
            <td className="number">{places}</td>
            <td className={`number ${queued > 0 ? 'tone-late' : ''}`}>{queued}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </TableScroll>
);
