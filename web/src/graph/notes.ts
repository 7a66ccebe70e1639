/** The second line of a card: the most relevant detail for the state of the job. */

import type { WireGraphNode } from '../../../src/api/wire/views.ts';
import { relative, shortInstant } from '../parts/time.ts';
import { type Standing, standingOf, standings, words } from './state.ts';

export function noteOf(node: WireGraphNode, now: number): string {
  const next = node.nextDue === null ? null : `next ${shortInstant(Date.parse(node.nextDue), now)}`;
  const last = node.last === null ? null : relative(Date.parse(node.last.endedAt), now);
  switch (standingOf(node)) {
    case 'late':
      return node.late ?? 'late';
    case 'running':
      return node.running === 1 ? 'running' : `${node.running} running`;
    case 'failing':
      return `failed ${node.consecutiveFailures === 1 ? '' : `${node.consecutiveFailures} × `}${last ?? ''}`.trim();
    case 'waiting':
      return waitNote(node);
    case 'disabled':
    case 'paused':
      return words[node.status === 'disabled' ? 'disabled' : 'paused'];
    default:
      return (
        next ?? (last === null ? (node.kind === 'after' ? 'after its parents' : 'manual') : `ran ${last}`)
      );
  }
}

function waitNote({ waiting, lacking }: WireGraphNode): string {
  const parents = lacking[0]?.parents ?? [];
  if (parents.length === 1) return `waits for ${parents[0]}`;
  if (parents.length > 1) return `waits for ${parents.length} parents`;
  return waiting === 1 ? 'waiting' : `${waiting} waiting`;
}

/** For a group: the number of jobs per state, the most urgent first. */
export function groupNote(nodes: readonly WireGraphNode[]): string {
  const counts = countsOf(nodes);
  const said = standings.filter((each) => (counts.get(each) ?? 0) > 0).slice(0, 2);
  return said.map((each) => `${counts.get(each)} ${words[each]}`).join(', ');
}

export function countsOf(nodes: readonly WireGraphNode[]): Map<Standing, number> {
  const counts = new Map<Standing, number>();
  for (const node of nodes) {
    const standing = standingOf(node);
    counts.set(standing, (counts.get(standing) ?? 0) + 1);
  }
  return counts;
}
