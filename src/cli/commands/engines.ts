/** `carillon engines`: the engines with their load and start latency, and the pools. */

import type { Command } from 'commander';
import type { WireEngine, WirePool } from '../../api/wire/views.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Session, Shell } from '../shell.ts';
import { lasting, nothing, table, tinted } from '../words.ts';

export function addEngineCommands(program: Command, shell: Shell): void {
  program
    .command('engines')
    .description('list engines and pools: state, slots in use, waiting runs and start latency')
    .addHelpText(
      'after',
      '\nRUNNING: unfinished attempts, and their maximum on all nodes that respond. QUEUED: runs that wait for a slot. TO START: ' +
        'launches that wait\nfor their start. STARTS and percentiles: from the decision to the start, ' +
        "since the current leader's election.",
    )
    .action((_, command: Command) =>
      shell.run(command, async (session) => {
        const { client } = session;
        const [engines, pools] = [await client.engines(), await client.pools()];
        if (session.json) session.printJson({ engines, pools });
        else {
          printEngines(session, engines);
          for (const engine of engines) if (engine.hosts?.length) printHosts(session, engine.hosts);
          if (pools.length > 0) printPools(session, pools);
        }
        return exitCodes.ok;
      }),
    );
}

function printEngines({ io, print }: Session, engines: readonly WireEngine[]): void {
  const head = [
    'ENGINE',
    'STATE',
    'RUNNING',
    'QUEUED',
    'TO START',
    'STARTS',
    'P50',
    'P95',
    'P99',
    'MAX',
    'HAS',
  ];
  const rows = engines.map(({ capacity, startLatency: starts, ...engine }) => [
    engine.name,
    tinted(engine.reachable ? 'reachable' : 'unreachable', io),
    runningOf(engine.running, capacity, engine.hosts !== undefined),
    String(engine.queued),
    String(engine.startQueue),
    String(starts.count),
    ...[starts.p50, starts.p95, starts.p99, starts.max].map(lasting),
    [capacity.cpus === null ? '' : `${capacity.cpus} CPUs`, memory(capacity.memoryBytes)]
      .filter((part) => part !== '')
      .join(', ') || nothing,
  ]);
  print(table(head, rows, io));
  print();
  const about = engines.map(({ name, version, detail }) => [name, version ?? nothing, detail ?? '']);
  print(table(['ENGINE', 'VERSION', 'WHERE'], about, io));
}

/** A server of 0.2.0 answers no number of nodes. */
const runningOf = (
  running: number,
  { attempts, nodes = 1 }: WireEngine['capacity'],
  isOnHosts: boolean,
): string =>
  `${running}${attempts === null ? '' : ` of ${attempts}`}${nodes > 1 ? ` on ${nodes} ${isOnHosts ? 'hosts' : 'nodes'}` : ''}`;

function printHosts({ io, print }: Session, hosts: NonNullable<WireEngine['hosts']>): void {
  const rows = hosts.map(({ name, reachable, running, attempts, labels, detail }) => [
    name,
    tinted(reachable ? 'reachable' : 'unreachable', io),
    `${running} of ${attempts}`,
    labelsOf(labels),
    detail ?? nothing,
  ]);
  print();
  print(table(['HOST', 'STATE', 'RUNNING', 'LABELS', 'WHERE'], rows, io));
}

const labelsOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ') || nothing;

function printPools({ io, print }: Session, pools: readonly WirePool[]): void {
  const rows = pools.map(({ name, places, taken, queued }) => [
    name,
    `${taken} of ${places}`,
    String(queued),
  ]);
  print();
  print(table(['POOL', 'TAKEN', 'QUEUED'], rows, io));
}

function memory(bytes: number | null): string {
  return bytes === null ? '' : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
