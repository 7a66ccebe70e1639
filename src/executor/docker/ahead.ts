/**
 * Prepared containers: created, or also waiting at their gate. One that cannot be removed ends through the lease of its
 * gate.
 */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock, Log, Preparation } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { labelOf } from '../container/labels.ts';
import type { LaunchMasks } from '../container/masks.ts';
import { EngineRefusal } from '../container/transport.ts';
import { Preparations } from '../preparations.ts';
import type { Secrets } from '../secrets/secrets.ts';
import {
  type CreateContext,
  create,
  fetchMissing,
  type Order,
  pull,
  readOrder,
  removeUnlessRunning,
} from './create.ts';
import type { Gate, GatedEngine } from './gate.ts';
import type { ImagePulls } from './pull.ts';
import { launchReport } from './state.ts';

/** Attempts for a name that is being freed, and the delay between them. */
const maxRounds = 10;
const roundMs = 50;
/**
 * The gate's lease is longer than our own time limit by this, so that we end it unless this process is gone.
 */
const leaseMarginMs = 5_000;

export interface Ready {
  readonly id: string;
  readonly order: Order;
  /** Null: it was only created. */
  readonly gate: Gate | null;
}

export interface DockerAheadParts {
  readonly engine: GatedEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly pulls: ImagePulls;
  readonly secrets: Secrets;
  readonly masks: LaunchMasks;
}

export function containersAhead(parts: DockerAheadParts): Preparations<Ready> {
  const { engine, clock, log } = parts;
  return new Preparations({
    clock,
    make: (spec, how) => make(spec, how, parts),
    // A container that cannot be removed now was never started: whoever finds it removes it.
    remove: ({ id }, launch) =>
      engine
        .remove(id)
        .catch((error: Error) => log.warn({ launch, cause: error.message }, 'ready.not-removed')),
  });
}

async function make(
  spec: LaunchSpec,
  { warm, forMs, mayStart }: Preparation,
  parts: DockerAheadParts,
): Promise<Ready | null> {
  const { engine } = parts;
  const context = { ...parts, mayStart, onProgress: () => {} };
  const order = await readOrder(spec, parts.secrets);
  if (spec.pull === 'always') await pull(order, context);
  const wanted = warm ? await gated(order, context, forMs + leaseMarginMs) : null;
  const id = await createByName(wanted ?? order, context);
  if (id === null || wanted === null) return id === null ? null : { id, order, gate: null };
  try {
    if (mayStart()) return { id, order, gate: await engine.hold(id) };
  } catch (error) {
    // The launch will be refused for the same reason, and reported.
    engine.forgetGate();
    if (error instanceof EngineRefusal) return null;
    throw error;
  } finally {
    if (!engine.holds(id)) await engine.remove(id).catch(() => {});
  }
  return null;
}

async function gated(order: Order, context: CreateContext, leaseMs: number): Promise<Order | null> {
  const { engine } = context;
  const name = order.request._body.Image;
  if ((await engine.image(name)) === null) await fetchMissing(order, context);
  const image = await engine.image(name);
  if (image === null) return null;
  const request = await engine.gated(order.request, image, leaseMs);
  return request === null ? null : { ...order, request };
}

/** Returns the id, or null if the name is in use; removes what an older term left under it. */
async function createByName(order: Order, context: CreateContext): Promise<string | null> {
  const { engine, clock } = context;
  const { launchName, run, installation, term } = order.spec;
  for (let round = 0; round < maxRounds; round++) {
    const id = await create(order, context);
    if (id !== null) return id;
    const found = await engine.inspect(launchName);
    if (found !== null) {
      const labels = found.Config.Labels ?? {};
      const isOlder = Number(labels[labelOf.term]) < term && launchReport(found, null).state === 'created';
      if (!isOlder || labels[labelOf.run] !== run || labels[labelOf.installation] !== installation)
        return null;
      await removeUnlessRunning(engine, found.Id);
    }
    // A name stays in use slightly longer than its container can be inspected.
    await sleep(clock, roundMs);
  }
  return null;
}
