/**
 * One launch on a Docker engine: create by name, start by id. The name is the lock; whoever finds it taken looks
 * at what holds it:
 *
 *   foreign                   LAUNCH_REFUSED, untouched
 *   running or ended          adopted, never started again: an engine runs an exited container once more
 *   created, by an older term removed by id and created anew, so that the old leader's start finds nothing
 *   created, by this term     somebody is about to start it, perhaps our own call that timed out: given time,
 *                             then removed likewise. Starting it here could run a short job twice
 *   created, by a newer term  given time, then left alone with ENGINE_UNAVAILABLE: this scheduler was deposed
 *
 * So nobody ever starts what somebody else created. Removal is never forced: a container that began to run in
 * between answers 409 and is adopted in the next round. The engine answers an inspection only after a start
 * that is under way.
 */

import { CarillonError } from '../errors.ts';
import type { Clock, Log } from '../scheduler/ports.ts';
import type { LaunchSpec } from '../scheduler/spec.ts';
import type { DockerEngine } from './docker-engine.ts';
import { prepareContainer, readSecretFiles, type SecretContent } from './docker-prepare.ts';
import { fullImageName, registryAuth } from './docker-registry.ts';
import { type DockerCreateRequest, dockerCreateRequest, labelOf } from './docker-request.ts';
import { type ContainerInspection, launchReport } from './docker-state.ts';
import { EngineRefusal, type RegistryAuth } from './docker-transport.ts';
import { readSecretFile } from './secret-file.ts';

/** How often others may take, free or start the name under our hands before it is left to the next call. */
const maxRounds = 50;
/** How long another launch of the same name may take from its creation to its start. */
const startPatienceMs = 5_000;
const startPollMs = 50;

export interface LaunchContext {
  readonly engine: DockerEngine;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether it should still be started; asked at the last moment, with nothing awaited in between. */
  readonly wanted: () => boolean;
  /** Whether this scheduler still leads; asked before creating and before starting. */
  readonly mayStart: () => boolean;
  /** Shares the pulls of one image among the launches that wait for it. */
  readonly pulls: Map<string, Promise<void>>;
}

export interface Launched {
  readonly container: ContainerInspection;
  /** It was there already; what became of it may have been told to somebody else. */
  readonly adopted: boolean;
}

/** What is there now, started by us or by others; see the port's `launch` for the errors. */
export async function launchContainer(spec: LaunchSpec, context: LaunchContext): Promise<Launched> {
  const { engine } = context;
  const image = requireSupported(spec);
  const secrets = await readSecrets(spec);
  const files = await readSecretFiles(spec);
  const auth =
    spec.registrySecret === null
      ? null
      : registryAuth(image, await readSecretFile('run.registry.secret', spec.registrySecret));
  const request = dockerCreateRequest(spec, image, secrets);
  if (spec.pull === 'always') await pull(image, auth, context);
  for (let round = 0; round < maxRounds; round++) {
    // A name is taken a little earlier than its container can be inspected, and a little longer.
    if (round > 0) await pause(context.clock);
    const id = await create(request, files, spec, auth, context);
    if (id !== null) {
      const started = await start(id, spec, context);
      if (started !== null) return { container: started, adopted: false };
      continue;
    }
    const found = await settle(spec, context);
    if (found !== null) return { container: found, adopted: true };
  }
  throw engine.unavailable(`others create and remove ${spec.launchName} at the same time`);
}

/** The image; LAUNCH_REFUSED for what a single engine can't give. */
function requireSupported({ image, constraints }: LaunchSpec): string {
  if (image === null) throw refused('There is no image to run', 'run.image', image);
  if (constraints.length > 0) {
    const message = 'A single Docker engine has no nodes to choose from by constraints';
    throw refused(message, 'run.constraints', constraints);
  }
  return image;
}

async function readSecrets({ secrets }: LaunchSpec): Promise<Record<string, string>> {
  const read = async ([name, ref]: [string, { readonly file: string }]) =>
    [name, await readSecretFile(`run.secrets.${name}`, ref)] as const;
  return Object.fromEntries(await Promise.all(Object.entries(secrets).map(read)));
}

/** The id, or null when the name is taken. Fetches a missing image if that is allowed. */
async function create(
  request: DockerCreateRequest,
  files: readonly SecretContent[],
  spec: LaunchSpec,
  auth: RegistryAuth | null,
  context: LaunchContext,
): Promise<string | null> {
  const { engine, mayStart } = context;
  const image = request._body.Image;
  const attempt = async () => {
    if (!mayStart()) throw notLeading(engine);
    const id = await engine.create(request);
    await prepareContainer(engine, id, spec, files);
    return id;
  };
  try {
    return await attempt().catch(async (error: unknown) => {
      if (!(error instanceof EngineRefusal) || error.status !== 404 || (await engine.hasImage(image)))
        throw error;
      if (spec.pull === 'never') {
        throw refused(`Image ${image} is not on the engine, and pull is never`, 'run.image', image);
      }
      await pull(image, auth, context);
      return attempt();
    });
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    // Podman and engines short of something answer 500 for a name that is taken: the lookup decides.
    const mayBeTaken = error.status === 409 || error.status >= 500;
    if (error.status === 409 || (mayBeTaken && (await engine.inspect(spec.launchName)) !== null)) return null;
    throw refused(`The engine does not create it: ${error.words}`, 'run', image);
  }
}

/** What runs now, or null when it was taken away before it could start. */
async function start(
  id: string,
  spec: LaunchSpec,
  { engine, wanted, mayStart }: LaunchContext,
): Promise<ContainerInspection | null> {
  if (!mayStart()) {
    await engine.remove(id);
    throw notLeading(engine);
  }
  if (!wanted()) {
    await engine.remove(id);
    throw refused('It was killed before it started', 'run', spec.launchName);
  }
  const refusal = await engine.start(id).then(
    () => null,
    (error: unknown) => {
      if (error instanceof EngineRefusal) return error;
      throw error;
    },
  );
  const found = await engine.inspect(id);
  if (refusal === null || found === null) return found;
  // A status alone does not say that nothing runs.
  if (launchReport(found, null).state !== 'created') return found;
  // A newer leader is removing it.
  if (found.State.Status !== 'created') return null;
  await engine.remove(id);
  throw refused(`The engine does not start it: ${refusal.words}`, 'run', spec.argv ?? spec.image);
}

/** Nothing was started; whoever leads asks again. */
function notLeading(engine: DockerEngine): CarillonError {
  return engine.unavailable('this scheduler can not prove any more that it leads');
}

/** What runs or ran and is ours; null when the name is free again. */
async function settle(
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
      log.info({ launch: spec.launchName, container: found.Id, term }, 'launch.leftover-removed');
      await removeUnlessRunning(engine, found.Id);
      return null;
    }
    if (!waiting) throw engine.unavailable(`${spec.launchName} belongs to the newer term ${term}`);
    await pause(clock);
  }
}

function requireOurs({ Id, Config }: ContainerInspection, spec: LaunchSpec): void {
  const labels = Config.Labels ?? {};
  if (labels[labelOf.cluster] === spec.cluster && labels[labelOf.run] === spec.run) return;
  const owner =
    labels[labelOf.run] === undefined ? 'is not Carillon’s' : `belongs to run ${labels[labelOf.run]}`;
  throw refused(`The name ${spec.launchName} is held on the engine by a container that ${owner}`, 'run', Id);
}

/** 409: it runs now, or somebody else is removing it; the next round sees which. */
async function removeUnlessRunning(engine: DockerEngine, id: string): Promise<void> {
  await engine.remove(id).catch((error: unknown) => {
    if (!(error instanceof EngineRefusal) || error.status !== 409) throw error;
  });
}

async function pull(
  image: string,
  auth: RegistryAuth | null,
  { engine, log, pulls }: LaunchContext,
): Promise<void> {
  const name = fullImageName(image);
  const key = `${auth?.username ?? ''}@${name}`;
  const running =
    pulls.get(key) ??
    engine.pull(name, auth, (status) => log.debug({ image: name, status }, 'image.pulling'));
  pulls.set(key, running);
  log.info({ image: name }, 'image.pull');
  try {
    await running;
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    throw refused(`Image ${name} can not be pulled: ${error.words}`, 'run.image', name);
  } finally {
    if (pulls.get(key) === running) pulls.delete(key);
  }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(startPollMs, resolve));
}

function refused(message: string, field: string, value: unknown): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field, value });
}
