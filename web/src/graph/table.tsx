/** The graph as a table, for users who cannot or do not want to use a picture. */

import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { Link } from 'wouter';
import type { WireGraph, WireGraphNode } from '../../../src/api/wire/views.ts';
import { Instant } from '../parts/instant.tsx';
import { duration } from '../parts/time.ts';
import { StandingMark } from './standing-mark.tsx';
import { standingOf } from './state.ts';

const rowHeight = 38;
/** Names of relatives per row; the job's page lists all. */
const mostNames = 4;

interface TableProps {
  readonly graph: WireGraph;
  readonly jobs: readonly WireGraphNode[];
}

export function GraphTable({ graph, jobs }: TableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const relatives = useMemo(() => relativesOf(graph), [graph]);
  const rows = useMemo(
    () => [...jobs].sort((a, b) => a.level - b.level || (a.name < b.name ? -1 : 1)),
    [jobs],
  );
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <section
      className="graph-table panel"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys
      tabIndex={0}
      aria-label="Jobs and their dependencies"
    >
      <table className="table" aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            <th>Job</th>
            <th>State</th>
            <th>Parents</th>
            <th>Children</th>
            <th>Next</th>
            <th className="number">p50</th>
            <th className="number">p95</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr style={{ height: before }} />}
          {items.map(({ index }) => {
            const node = rows[index]!;
            const { parents, children } = relatives.get(node.name) ?? none;
            const lacked = node.lacking[0]?.parents ?? [];
            return (
              <tr key={node.name} aria-rowindex={index + 2} style={{ height: rowHeight }}>
                <td>
                  <Link href={`/jobs/${node.name}`}>{node.name}</Link>
                </td>
                <td>
                  <StandingMark standing={standingOf(node)} />
                </td>
                <td>
                  {namesOf(parents)}
                  {lacked.length > 0 && <span className="tone-late"> waits for {namesOf(lacked)}</span>}
                </td>
                <td>{namesOf(children)}</td>
                <td className="nowrap">{node.nextDue === null ? '–' : <Instant at={node.nextDue} />}</td>
                <td className="number">{duration(node.p50Ms)}</td>
                <td className="number">{duration(node.p95Ms)}</td>
              </tr>
            );
          })}
          {after > 0 && <tr style={{ height: after }} />}
        </tbody>
      </table>
    </section>
  );
}

interface Kin {
  readonly parents: string[];
  readonly children: string[];
}
const none: Kin = { parents: [], children: [] };

function relativesOf({ edges }: WireGraph): Map<string, Kin> {
  const found = new Map<string, Kin>();
  const of = (job: string): Kin => {
    const known = found.get(job) ?? { parents: [], children: [] };
    found.set(job, known);
    return known;
  };
  for (const { from, to } of edges) {
    of(from).children.push(to);
    of(to).parents.push(from);
  }
  return found;
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return '–';
  const shown = names.slice(0, mostNames).join(', ');
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}
