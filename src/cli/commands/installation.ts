/** Commands about the installation: the dependency graph, the nodes and the engines. */

import type { Command } from 'commander';
import type { WireCluster, WireEngine, WireGraph } from '../../api/wire/views.ts';
import { ProblemError } from '../client-errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Session, Shell } from '../shell.ts';
import { card, dim, lasting, table, tinted, whenExactly } from '../words.ts';

export function addInstallationCommands(program: Command, shell: Shell): void {
  program
    .command('graph')
    .description('show the dependency graph as a tree')
    .option('--dot', 'print DOT for Graphviz')
    .action((options: { dot?: boolean }, command: Command) =>
      shell.run(command, async (session) => {
        if (options.dot === true) session.io.out(await session.client.graphDot());
        else {
          const graph = await session.client.graph();
          if (session.json) session.printJson(graph);
          else printGraph(session, graph);
        }
        return exitCodes.ok;
      }),
    );
  program
    .command('status')
    .description('show the leader, the other nodes, and which engines are reachable')
    .action((_, command: Command) => shell.run(command, status));
}

/** Prints a job below each of its parents, and its own children only the first time. */
function printGraph(session: Session, { nodes, edges }: WireGraph): void {
  const { io } = session;
  const children = new Map<string, string[]>();
  const below = new Set<string>();
  for (const { from, to } of edges) {
    children.set(from, [...(children.get(from) ?? []), to]);
    below.add(to);
  }
  const known = new Map(nodes.map((node) => [node.name, node]));
  const shown = new Set<string>();
  const state = (name: string): string => {
    const node = known.get(name);
    if (node === undefined) return '';
    if (node.running > 0) return tinted('running', io);
    return node.status === 'active' ? tinted(node.last?.state ?? '', io) : tinted(node.status, io);
  };
  // An explicit stack instead of recursion: chains may be long.
  const stack = nodes
    .filter((node) => !below.has(node.name))
    .map((node) => ({ name: node.name, indent: '', own: '' }))
    .reverse();
  if (stack.length === 0) session.print('no jobs');
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { name, indent, own } = top;
    const again = shown.has(name);
    const next = children.get(name) ?? [];
    session.print(
      `${own}${name}  ${state(name)}${again && next.length > 0 ? dim('  (above)', io) : ''}`.trimEnd(),
    );
    if (again) continue;
    shown.add(name);
    next.forEach((child, i) => {
      const at = next.length - 1 - i;
      const last = i === 0;
      stack.push({
        name: next[at] ?? child,
        indent: `${indent}${last ? '   ' : '│  '}`,
        own: `${indent}${last ? '└─ ' : '├─ '}`,
      });
    });
  }
}

async function status(session: Session): Promise<ExitCode> {
  const cluster = await session.client.cluster();
  const engines = cluster.leader === null ? null : await enginesOf(session);
  if (session.json) session.printJson({ ...cluster, engines });
  else {
    printCluster(session, cluster);
    if (engines === null) session.print('\nThe engines are unknown: no leader responds.');
    else printEngines(session, engines);
  }
  return engines === null ? exitCodes.failed : exitCodes.ok;
}

/** Returns null if the leader disappeared in between; the nodes are still worth showing. */
async function enginesOf({ client }: Session): Promise<WireEngine[] | null> {
  try {
    return await client.engines();
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 503) return null;
    throw error;
  }
}

function printCluster(session: Session, { leader, term, members, store, takeover }: WireCluster): void {
  const { io } = session;
  const reachable = store.reachable ? 'reachable' : 'not reachable';
  session.print(
    card(
      [
        ['leader', leader === null ? 'none' : `${leader.host}, pid ${leader.pid}, ${leader.url}`],
        ['term', String(term)],
        ['store', store.detail === null ? reachable : `${reachable}: ${store.detail}`],
        [
          'take-over',
          takeover &&
            `${whenExactly(takeover.at, io)}, took ${lasting(takeover.tookMs)}, term ${takeover.term}`,
        ],
      ],
      io,
    ),
  );
  const rows = members.map((member) => [
    member.id,
    member.role,
    member.url,
    lasting(member.lagMs),
    member.host,
    String(member.pid),
    member.version,
    Object.entries(member.capacity ?? {})
      .map(([engine, most]) => `${engine} ${member.running?.[engine] ?? 0}/${most}`)
      .join(', '),
    Object.entries(member.labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(', '),
  ]);
  session.print(
    `\n${table(['MEMBER', 'ROLE', 'URL', 'LAG', 'HOST', 'PID', 'VERSION', 'RUNNING', 'LABELS'], rows, io)}`,
  );
}

function printEngines(session: Session, engines: readonly WireEngine[]): void {
  const rows = engines.map((engine) => [
    engine.name,
    engine.reachable ? 'reachable' : 'not reachable',
    engine.version ?? '',
    String(engine.running),
    String(engine.startQueue),
    engine.detail ?? '',
  ]);
  session.print(`\n${table(['ENGINE', 'STATE', 'VERSION', 'RUNNING', 'TO START', ''], rows, session.io)}`);
}
