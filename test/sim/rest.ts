/** Everything has come to rest: one leads, all have the same, nothing is unfinished, nothing is missing. */

import { isDeepStrictEqual } from 'node:util';
import { textOrNull } from '../../src/scheduler/model/reason.ts';
import { isEnded } from '../../src/scheduler/model/run-state.ts';
import type { World } from './faults.ts';
import type { Judge } from './judge.ts';
import { ledgerFaults } from './ledger.ts';
import type { SimNode } from './node.ts';
import { missedRounds } from './rounds.ts';

export function restFaults(world: World, judge: Judge): string[] {
  const roles = world.nodes.map((node) => node.life?.scheduler.cluster().role ?? 'dead');
  if (
    roles.filter((role) => role === 'leader').length !== 1 ||
    roles.some((role) => role !== 'leader' && role !== 'follower')
  )
    return [`there is to be one leader, and two followers: ${roles.join(', ')}`];
  const leader = world.nodes[roles.indexOf('leader')] as SimNode;
  return [
    ...unfinished(judge),
    ...world.nodes.filter((node) => node !== leader).flatMap((node) => differences(leader, node)),
    ...[...judge.jobs.values()].flatMap(ledgerFaults),
    ...[...judge.jobs.values()].flatMap((life) => missedRounds(life, judge)),
    ...againstTheStore(leader, judge),
    ...judge.alerts.faults(judge.jobs),
    ...judge.access.faults(world.nodes),
    ...judge.backfills.faults(),
  ];
}

function unfinished(judge: Judge): string[] {
  return [...judge.runs.values()]
    .filter(({ state }) => !isEnded(state))
    .map(
      (run) =>
        `${run.id} is still ${run.state} (${textOrNull(run.reason)}), long after everything is well again`,
    );
}

function differences(leader: SimNode, other: SimNode): string[] {
  const [a, b] = [copyOf(leader), copyOf(other)];
  for (const [name, value] of Object.entries(a)) {
    if (!isDeepStrictEqual(value, b[name]))
      return [
        `${other.id} has ${name} otherwise than ${leader.id}, which leads: ${JSON.stringify(b[name])} and ${JSON.stringify(value)}`,
      ];
  }
  const surplus = Object.keys(b).filter((name) => a[name] === undefined);
  return surplus.length === 0 ? [] : [`${other.id} has ${surplus.join(', ')}, which ${leader.id} has not`];
}

/** What a node shows of everything, by name. */
function copyOf({ life }: SimNode): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  if (life === null) return copy;
  for (const name of life.scheduler.jobNames(null)) {
    const { schedule: _, ...view } = life.scheduler.job(name);
    copy[`job ${name}`] = structuredClone(view);
  }
  for (const backfill of life.scheduler.reader().backfills())
    copy[`backfill ${backfill.id}`] = structuredClone(backfill);
  for (const run of life.scheduler.liveRuns()) copy[`run ${run.id}`] = structuredClone(run);
  return copy;
}

function againstTheStore({ life }: SimNode, judge: Judge): string[] {
  const names = [...(life?.scheduler.jobNames(null) ?? [])];
  const kept = [...judge.jobs.keys()].sort();
  if (!isDeepStrictEqual(names, kept)) return [`the leader has the jobs ${names}, and ${kept} are durable`];
  return names.flatMap((name) => {
    const view = life?.scheduler.job(name);
    const durable = judge.jobs.get(name);
    const same =
      isDeepStrictEqual(plain(view?.job), plain(durable?.job)) &&
      (durable?.state == null || isDeepStrictEqual(plain(view?.state), plain(durable.state)));
    return same
      ? []
      : [
          `${name} is on the leader ${JSON.stringify(view?.state)}, and durable is ${JSON.stringify(durable?.state)}`,
        ];
  });
}

const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)));
