/**
 * Launches that are prepared before they are due: the supervisor and the job's process wait at a gate
 * (supervisor/serve.h). Whatever ends this process closes the gate, and then the job never starts.
 */

import { stat } from 'node:fs/promises';
import { sameJson } from '../../scheduler/job/same.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock, Log, Preparation } from '../../scheduler/ports.ts';
import { type EndingGate, Preparations } from '../preparations.ts';
import type { Beginning, HeldLaunch, Launches } from './launch.ts';

export interface HeldAheadParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly hold: NonNullable<Launches['hold']>;
  /** LAUNCH_REFUSED if the job cannot be started. `found`: the path of its program, if it was searched before. */
  readonly read: (spec: LaunchSpec, found?: string) => Promise<Beginning>;
  /** False while something is done with the name, and once nothing may be prepared any more. */
  readonly isFree: (launchName: string) => boolean;
}

/** Everything that decides what a launch runs. Contains secrets. */
interface Order {
  readonly spec: LaunchSpec;
  readonly beginning: Beginning;
  /** The job's process is in its folder from the beginning, even if the name is given to another one. */
  readonly folder: string | null;
}

interface Ready {
  readonly order: Order;
  readonly held: HeldLaunch;
  readonly gate: EndingGate;
}

export class LaunchesHeldAhead extends Preparations<Ready> {
  readonly #parts: HeldAheadParts;

  constructor(parts: HeldAheadParts) {
    super({
      clock: parts.clock,
      make: (spec, how) => make(spec, how, parts),
      remove: (ready) => remove(ready, parts),
    });
    this.#parts = parts;
  }

  /** The prepared launch, if it is what would be started now. Another one is removed. */
  async take(spec: LaunchSpec): Promise<HeldLaunch | null> {
    const ready = await this.claim(spec.launchName);
    if (ready === null) return null;
    // Of its program, only the path was used so far. What cannot be read is refused by the launch.
    const [found] = ready.order.beginning.start.argv;
    const order = await readOrder(spec, this.#parts, found).catch(() => null);
    if (order !== null && isSame(ready.order, order)) return ready.held;
    this.#parts.log.info({ launch: spec.launchName }, 'ready.outdated');
    await remove(ready, this.#parts);
    return null;
  }
}

async function make(
  spec: LaunchSpec,
  { warm, mayStart }: Preparation,
  parts: HeldAheadParts,
): Promise<Ready | null> {
  const order = await readOrder(spec, parts);
  if (!warm || !parts.isFree(spec.launchName) || !mayStart()) return null;
  const held = await parts.hold(order.beginning);
  return held && { order, held, gate: { onEnd: (listener) => void held.ended.then(listener) } };
}

/** A launch that cannot be removed now never starts, and the next inventory removes it. */
async function remove({ held, order }: Ready, { log }: HeldAheadParts): Promise<void> {
  await held.drop().catch((error: Error) => {
    log.warn({ launch: order.spec.launchName, cause: error.message }, 'ready.not-removed');
  });
}

async function readOrder(spec: LaunchSpec, { read }: HeldAheadParts, found?: string): Promise<Order> {
  const beginning = await read(spec, found);
  const { cwd } = beginning.start;
  const folder = cwd === null ? null : await stat(cwd);
  return { spec, beginning, folder: folder && `${folder.dev}:${folder.ino}` };
}

function isSame(a: Order, b: Order): boolean {
  // Masks follow from the environment.
  const parts = ({ spec, beginning, folder }: Order) => ({
    spec,
    start: { ...beginning.start, masks: null },
    folder,
  });
  return sameJson(parts(a), parts(b));
}
