/**
 * By when a thing that became due must have begun, as a function of the fault log alone. The cluster is
 * *disturbed* while it cannot work (no quorum, no scheduler that reaches one) and for a bound after each
 * change that makes it find itself anew; the rest is calm. What is due in calm time begins within the slack;
 * what is due in a disturbed stretch, within the slack after its end, plus a share of the stretch for the
 * backlog. A fault that must not be noticed (a follower lost) disturbs nothing.
 */

import type { Bounds, Fault } from './history.ts';

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface Roster {
  readonly schedulers: number;
  readonly zookeepers: number;
}

/** Stretches in which the cluster may be late for what runs on this engine, ascending and apart. */
export function disturbances(
  faults: readonly Fault[],
  roster: Roster,
  bounds: Bounds,
  engine: 'process' | 'container',
): Stretch[] {
  const changes = faults.flatMap((fault) => changeOf(fault, bounds, engine));
  const outages = outagesOf(faults, roster).map(({ from, to }) => ({
    from,
    to: to + bounds.bootMs + bounds.ensembleMs + bounds.takeoverMs,
  }));
  return merge([...changes, ...outages]);
}

function changeOf(fault: Fault, bounds: Bounds, engine: 'process' | 'container'): Stretch[] {
  const { from, to } = fault;
  const healed = to ?? Number.POSITIVE_INFINITY;
  if (fault.on === 'engine') return engine === 'container' ? [{ from, to: healed + bounds.engineMs }] : [];
  if (fault.on === 'machine') {
    // Long enough, it costs sessions, and with them leaders.
    const session = healed - from > bounds.slackMs ? bounds.takeoverMs : 0;
    return [{ from, to: healed + bounds.slackMs + session }];
  }
  if (fault.on === 'scheduler') return fault.led === false ? [] : [{ from, to: from + bounds.takeoverMs }];
  // A killed server's clients know at once; a silent one costs them their time-out, and the leader its session.
  const silence = fault.kind === 'kill' ? 0 : bounds.takeoverMs;
  return [
    { from, to: from + silence + bounds.ensembleMs },
    { from: healed, to: healed + bounds.ensembleMs },
  ];
}

/** When there was no quorum, or no scheduler that could reach one. */
function outagesOf(faults: readonly Fault[], roster: Roster): Stretch[] {
  const edges = [...new Set(faults.flatMap(({ from, to }) => (to === null ? [from] : [from, to])))].sort(
    (a, b) => a - b,
  );
  return edges.flatMap((from, i) => {
    const down = (on: Fault['on']): number =>
      new Set(
        faults
          .filter((fault) => fault.on === on && fault.from <= from && (fault.to ?? Infinity) > from)
          .map(({ target }) => target),
      ).size;
    // A node by itself needs none.
    const quorum = roster.zookeepers === 0 || roster.zookeepers - down('zookeeper') > roster.zookeepers / 2;
    const works = quorum && down('scheduler') < roster.schedulers;
    return works ? [] : [{ from, to: edges[i + 1] ?? Number.POSITIVE_INFINITY }];
  });
}

export function merge(stretches: readonly Stretch[]): Stretch[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** What becomes due at `due` has begun by then; needs the slack in calm time, in one piece. */
export function beginBy(due: number, disturbed: readonly Stretch[], bounds: Bounds): number {
  let by = due + bounds.slackMs;
  for (const { from, to } of disturbed) {
    if (to <= due) {
      // Its backlog may still be worked off.
      const backlog = to + (to - from) * bounds.backlogShare;
      if (backlog > due) by = Math.max(by, backlog + bounds.slackMs);
    } else if (from < by) by = Math.max(by, to + (to - from) * bounds.backlogShare + bounds.slackMs);
  }
  return by;
}

/** True when nothing was disturbed from `due` on for the slack, and no backlog was left: for quiet figures. */
export const isCalm = (due: number, disturbed: readonly Stretch[], bounds: Bounds): boolean =>
  beginBy(due, disturbed, bounds) === due + bounds.slackMs;

/**
 * As `beginBy`, for what is bound to a host: an attempt that was decided but not begun when its host failed
 * waits until the host is back, or is given up as lost and another attempt follows. `hosts` are the faults of
 * schedulers that may have been its host.
 */
export function heldUntil(
  begin: { readonly by: number; readonly decidedAt: number },
  hosts: readonly Fault[],
  bounds: Bounds,
): number {
  let { by } = begin;
  for (const fault of [...hosts].sort((a, b) => a.from - b.from)) {
    if (fault.from > by || begin.decidedAt > fault.from + bounds.slackMs) continue;
    if ((fault.to ?? Infinity) < begin.decidedAt) continue;
    const back = Math.min((fault.to ?? Infinity) + bounds.bootMs, fault.from + bounds.lostAfterMs);
    by = Math.max(by, back + bounds.takeoverMs + bounds.slackMs);
  }
  return by;
}
