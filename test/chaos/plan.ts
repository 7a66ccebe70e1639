/**
 * Which faults, when, and for how long: all of it follows from the seed. Whom one hits is decided when its time
 * has come, because who leads by then does not.
 */

import type { FaultKind } from './history.ts';
import type { Random } from './random.ts';

export interface PlannedFault {
  /** After the start of the faults. */
  readonly atMs: number;
  readonly on: 'scheduler' | 'zookeeper' | 'engine';
  readonly kind: FaultKind;
  readonly aim: 'leader' | 'other';
  readonly forMs: number;
}

/** Undisturbed beginnings, for quiet figures. */
const firstMs = 8_000;
/** Every so many faults there is a long calm, in which everybody comes back. */
const calmEvery = 4;
/** One scheduler may be away so long that its processes are given up; the rest stays at work. */
const longAbsenceMs = 70_000;

export interface Scope {
  readonly minutes: number;
  readonly docker: boolean;
  /** A node by itself has no ensemble to lose, and nobody to be cut off from. */
  readonly alone: boolean;
}

export function planFaults(random: Random, given: Scope): PlannedFault[] {
  const endMs = given.minutes * 60_000;
  const plan: PlannedFault[] = [];
  let atMs = firstMs;
  while (atMs < endMs - 5_000) {
    const fault = planOne(random, atMs, given);
    const long =
      random.next() < 0.04 && fault.on === 'scheduler' && !given.alone && atMs + longAbsenceMs < endMs;
    plan.push(long ? { ...fault, forMs: longAbsenceMs } : fault);
    const calm = plan.length % calmEvery === 0 ? fault.forMs + random.between(12_000, 18_000) : 0;
    atMs += calm > 0 ? calm : random.between(2_000, 18_000);
  }
  return plan;
}

/** One fault alone. */
export const leaderAway = (forMs: number): PlannedFault => ({
  ...{ atMs: firstMs, on: 'scheduler', kind: 'kill', aim: 'leader', forMs },
});

function planOne(random: Random, atMs: number, { docker, alone }: Scope): PlannedFault {
  const on = random.weighted({ scheduler: 60, zookeeper: alone ? 0 : 30, engine: docker ? 10 : 0 });
  if (on === 'engine') return { atMs, on, kind: 'kill', aim: 'other', forMs: random.between(500, 5_000) };
  const silent = alone ? { 'cut-off': 0, isolate: 0 } : { 'cut-off': 20, isolate: 15 };
  const kind = random.weighted({ kill: 40, pause: 25, ...silent });
  const aim = random.weighted({ leader: on === 'scheduler' ? 70 : 50, other: 30 });
  // From shorter than a session to three times as long; a lost quorum stays below 20 s.
  const forMs = on === 'scheduler' ? random.between(1_000, 15_000) : random.between(1_000, 12_000);
  return { atMs, on, kind, aim, forMs };
}

export interface Standing {
  readonly name: string;
  readonly on: PlannedFault['on'];
  readonly leads: boolean;
  /** Under a fault now. */
  readonly faulty: boolean;
  /** Which fault it is under, or came back from less than `settlingMs` ago. */
  readonly unsettled: FaultKind | null;
}

/** A server that came back copies what it missed in far less. */
export const settlingMs = 10_000;

/** A quorum, or the last scheduler, is taken only by faults that end within this. */
const totalOutageMs = 15_000;

/**
 * Whom the fault hits; null when that would take too much for too long.
 *
 * No ZooKeeper server is hit while another has just come back, nor killed or joined by others while one is killed.
 * Before 3.8.4 and 3.9.2, servers can lose committed transactions when one fails while another copies what it missed
 * (ZOOKEEPER-4785, with 4643 and 4646; seen here, had 15479, has 15343): no scheduler can be judged on what its store
 * forgot. A quorum is lost to pauses and to cut connections that begin while all others are at work.
 */
export function chooseTarget(
  random: Random,
  fault: Pick<PlannedFault, 'on' | 'aim' | 'forMs' | 'kind'>,
  members: readonly Standing[],
): string | null {
  const same = members.filter(({ on }) => on === fault.on);
  const up = same.filter(({ faulty }) => !faulty);
  const wanted = up.filter(({ leads }) => leads === (fault.aim === 'leader'));
  const target = wanted.length > 0 ? random.pick(wanted) : up.length > 0 ? random.pick(up) : null;
  if (target === null) return null;
  const left = up.length - 1;
  const brief = fault.forMs <= totalOutageMs;
  if (fault.on === 'zookeeper') {
    const others = same.filter(({ name, unsettled }) => name !== target.name && unsettled !== null);
    if (others.some(({ faulty, unsettled }) => !faulty || fault.kind === 'kill' || unsettled === 'kill'))
      return null;
    const quorum = Math.floor(same.length / 2) + 1;
    return left >= quorum || (left === quorum - 1 && brief) ? target.name : null;
  }
  return left >= 1 || brief ? target.name : null;
}
