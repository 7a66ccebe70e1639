/**
 * One launch on a Docker engine: create by name, start by id. The name is the lock. If it is in use, its
 * holder decides:
 *
 * foreign                   LAUNCH_REFUSED, untouched
 * running or ended          adopted, never started again: an engine would run an exited container once more
 * created before the engine started: an engine that dies while starting a container forgets that. It may
 * have run, so it is left alone and lost
 * created, by an older term removed by id and created again, so that the old leader's start finds nothing
 * created, by this term     someone is about to start it, perhaps our own call that timed out: given time,
 * then removed as well. Starting it here could run a short job twice
 * created, by a newer term  given time, then left alone with ENGINE_UNAVAILABLE: this scheduler was deposed
 *
 * So no scheduler ever starts a container that another call created. A container prepared by this process is
 * already created, or only needs its gate opened. Removal is never forced: a container that started in
 * between answers 409 and is adopted in the next round. The engine answers an inspection only after a start
 * in progress.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { labelOf } from '../container/labels.ts';
import { EngineRefusal } from '../container/transport.ts';
import type { Ready } from './ahead.ts';
import {
  type CreateContext,
  create,
  notLeading,
  type Order,
  pull,
  readOrder,
  refused,
  removeUnlessRunning,
  sameOrder,
} from './create.ts';
import { type DockerEngine, maxHistory } from './engine.ts';
import { type ContainerInspection, isGated, launchReport } from './state.ts';

/** Rounds in which others may take, free or start the name, before it is left to the next call. */
const maxRounds = 50;
/** Time that another launch of the same name may take from creation to start. */
const startPatienceMs = 5_000;
const startPollMs = 50;

export interface LaunchContext extends CreateContext {
  /** Whether it should still be started; called at the last moment, with no await in between. */
  readonly wanted: () => boolean;
  /** The preparation made by this process. Null: none. */
  readonly ready: Ready | null;
}

export interface Launched {
  readonly container: ContainerInspection;
  /** It existed already; another scheduler may have received its result. */
  readonly adopted: boolean;
  /** It may have run, and the engine cannot tell. */
  readonly forgotten: boolean;
}

/** The resulting container, started by us or by others; see `launch` of the port for the errors. */
export async function launchContainer(spec: LaunchSpec, context: LaunchContext): Promise<Launched> {
  try {
    return await launchNow(spec, context);
  } catch (error) {
    if (!(error instanceof CarillonError) || error.code !== 'LAUNCH_REFUSED') throw error;
    // An earlier call with unknown outcome may have started it, whatever a file or a registry says by now.
    const found = await context.engine.inspect(spec.launchName);
    if (found === null || !isOurs(found, spec) || launchReport(found, null).state === 'created') throw error;
    return { container: found, adopted: true, forgotten: false };
  }
}

async function launchNow(spec: LaunchSpec, context: LaunchContext): Promise<Launched> {
  const { engine, ready } = context;
  const order = await readOrder(spec, context.secrets).catch(async (error: unknown) => {
    if (ready !== null) await engine.remove(ready.id);
    throw error;
  });
  if (ready !== null) {
    const started = await startReady(ready, order, context);
    if (started !== null) return { container: started, adopted: false, forgotten: false };
  }
  if (spec.pull === 'always') await pull(order, context);
  for (let round = 0; round < maxRounds; round++) {
    // A name is in use slightly earlier than its container can be inspected, and slightly longer.
    if (round > 0) await sleep(context.clock, startPollMs);
    const id = await create(order, context);
    if (id !== null) {
      const started = await start(id, spec, context);
      if (started !== null) return { container: started, adopted: false, forgotten: false };
      continue;
    }
    const found = await createOrAdopt(spec, context);
    if (found !== null) {
      const forgotten = launchReport(found, null).state === 'created';
      return { container: found, adopted: true, forgotten };
    }
  }
  throw engine.unavailable(`others are creating and removing ${spec.launchName} at the same time`);
}

/** The running container. Null if the preparation was unusable and has been removed. */
async function startReady(
  ready: Ready,
  order: Order,
  context: LaunchContext,
): Promise<ContainerInspection | null> {
  const { engine, log } = context;
  const { id, gate } = ready;
  if (!sameOrder(ready.order, order)) {
    log.info({ launch: order.spec.launchName }, 'ready.outdated');
    await engine.remove(id);
    return null;
  }
  if (gate === null) return start(id, order.spec, context);
  await requireWanted(id, order.spec, context);
  // The container shows whether the gate has opened.
  await gate.open().catch(() => {});
  const found = await engine.inspect(id);
  if (found === null || launchReport(found, null).state !== 'created') return found;
  await engine.remove(id);
  return null;
}

/** The running container, or null if it was removed before it could start. */
async function start(
  id: string,
  spec: LaunchSpec,
  context: LaunchContext,
): Promise<ContainerInspection | null> {
  const { engine } = context;
  await requireWanted(id, spec, context);
  const refusal = await engine.start(id).then(
    () => null,
    (error: unknown) => {
      if (error instanceof EngineRefusal) return error;
      throw error;
    },
  );
  const found = await engine.inspect(id);
  if (refusal === null || found === null) return found;
  // A status alone does not prove that nothing runs.
  if (launchReport(found, null).state !== 'created') return found;
  // A newer leader is removing it.
  if (found.State.Status !== 'created') return null;
  await engine.remove(id);
  throw refused(
    `The engine refused to start the container: ${refusal.words}`,
    'run',
    spec.argv ?? spec.image,
  );
}

/** Removes the container and throws if it should not be started any more. */
async function requireWanted(
  id: string,
  spec: LaunchSpec,
  { engine, wanted, mayStart }: LaunchContext,
): Promise<void> {
  if (!mayStart()) {
    await engine.remove(id);
    throw notLeading(engine);
  }
  if (wanted()) return;
  await engine.remove(id);
  throw refused('It was killed before it started', 'run', spec.launchName);
}

/** Our container that runs, ran or may have run. Null if the name is free again. */
async function createOrAdopt(
  spec: LaunchSpec,
  { engine, log, clock }: LaunchContext,
): Promise<ContainerInspection | null> {
  const deadline = clock.monotonicMs() + startPatienceMs;
  for (;;) {
    const found = await engine.inspect(spec.launchName);
    if (found === null) return null;
    requireOurs(found, spec);
    if (launchReport(found, null).state !== 'created') return found;
    const term = Number(found.Config.Labels?.[labelOf.term]);
    const waiting = clock.monotonicMs() < deadline && found.State.Error === '';
    const leftover =
      found.State.Status !== 'removing' && (term < spec.term || (term === spec.term && !waiting));
    if (leftover) {
      if (await isOlderThanEngine(engine, found)) return found;
      log.info({ launch: spec.launchName, container: found.Id, term }, 'launch.leftover-removed');
      await removeUnlessRunning(engine, found.Id);
      return null;
    }
    if (!waiting) throw engine.unavailable(`${spec.launchName} belongs to the newer term ${term}`);
    await sleep(clock, startPollMs);
  }
}

/**
 * Whether it was created before the engine last started, as far as its event history reaches. A gate that was
 * never opened proves by itself that nothing ran.
 */
async function isOlderThanEngine(engine: DockerEngine, container: ContainerInspection): Promise<boolean> {
  if (isGated(container)) return false;
  const history = await engine.history().catch((error: unknown) => {
    // Not every engine has a history.
    if (error instanceof EngineRefusal) return null;
    throw error;
  });
  if (history === null || history.length >= maxHistory) return false;
  return !history.some(({ Action, Actor }) => Action === 'create' && Actor.ID === container.Id);
}

function requireOurs(container: ContainerInspection, spec: LaunchSpec): void {
  if (isOurs(container, spec)) return;
  const run = container.Config.Labels?.[labelOf.run];
  const owner = run === undefined ? 'is not Carillon’s' : `belongs to run ${run}`;
  const message = `The name ${spec.launchName} is in use on the engine by a container that ${owner}`;
  throw refused(message, 'run', container.Id);
}

function isOurs({ Config }: ContainerInspection, spec: LaunchSpec): boolean {
  const labels = Config.Labels ?? {};
  return labels[labelOf.installation] === spec.installation && labels[labelOf.run] === spec.run;
}
