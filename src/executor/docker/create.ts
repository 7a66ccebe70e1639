/**
 * Creates the container of a launch without starting it: reads secrets, pulls the image if required, and
 * creates by name.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { ownCredentials } from '../container/credentials.ts';
import type { LaunchMasks } from '../container/masks.ts';
import { EngineRefusal, type RegistryAuth } from '../container/transport.ts';
import { readSecretVariables, type Secrets } from '../secrets/secrets.ts';
import type { GatedEngine } from './gate.ts';
import { prepareContainer, readSecretFiles, type SecretContent } from './prepare.ts';
import type { ImagePulls } from './pull.ts';
import { type DockerCreateRequest, dockerCreateRequest } from './request.ts';

export interface CreateContext {
  readonly engine: GatedEngine;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether this scheduler still leads; called before creating and before starting. */
  readonly mayStart: () => boolean;
  readonly pulls: ImagePulls;
  readonly secrets: Secrets;
  readonly masks: LaunchMasks;
  /** What the launch is waiting for, for people. */
  readonly onProgress: (detail: string) => void;
}

/** A launch with everything that the engine needs. Contains secrets. */
export interface Order {
  readonly spec: LaunchSpec;
  readonly request: DockerCreateRequest;
  readonly files: readonly SecretContent[];
  readonly auth: RegistryAuth | null;
}

/** LAUNCH_REFUSED for settings that a single engine does not support, and for unreadable secrets. */
export async function readOrder(spec: LaunchSpec, secrets: Secrets): Promise<Order> {
  const image = requireSupported(spec);
  const values = await readSecretVariables(secrets, spec.secrets);
  const files = await readSecretFiles(spec, secrets);
  const auth = await ownCredentials(spec, image, secrets);
  return { spec, request: dockerCreateRequest(spec, image, values), files, auth };
}

/** Whether a container created for one can be used for the other. */
export function sameOrder(a: Order, b: Order): boolean {
  const parts = ({ request, files, spec, auth }: Order): string =>
    JSON.stringify([request, files.map(({ mount, bytes }) => [mount, [...bytes]]), spec.container, auth]);
  return parts(a) === parts(b);
}

function requireSupported({ image, constraints }: LaunchSpec): string {
  if (image === null) throw refused('There is no image to run', 'run.image', image);
  if (constraints.length > 0) {
    const message = 'A single Docker engine has no nodes to select by constraints';
    throw refused(message, 'run.constraints', constraints);
  }
  return image;
}

/** Returns the id, or null if the name is in use. Pulls a missing image if allowed. */
export async function create(order: Order, context: CreateContext): Promise<string | null> {
  const { spec, request, files } = order;
  const { engine, mayStart } = context;
  const image = request._body.Image;
  const attempt = async () => {
    if (!mayStart()) throw notLeading(engine);
    context.masks.note(
      spec.launchName,
      files.map(({ bytes }) => bytes),
    );
    const id = await engine.create(request);
    await prepareContainer(engine, id, spec, files);
    return id;
  };
  try {
    return await attempt().catch(async (error: unknown) => {
      if (!(error instanceof EngineRefusal) || error.status !== 404 || (await engine.hasImage(image)))
        throw error;
      await fetchMissing(order, context);
      return attempt();
    });
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    // Podman, and engines short of a resource, answer 500 for a name in use: an inspection decides.
    const mayBeTaken = error.status === 409 || error.status >= 500;
    if (error.status === 409 || (mayBeTaken && (await engine.inspect(spec.launchName)) !== null)) return null;
    throw refused(`The engine refused to create the container: ${error.words}`, 'run', image);
  }
}

/** Pulls an image that is missing. */
export async function fetchMissing(order: Order, context: CreateContext): Promise<void> {
  const image = order.request._body.Image;
  if (order.spec.pull === 'never')
    throw refused(`Image ${image} is not on the engine, and run.pull is never`, 'run.image', image);
  await pull(order, context);
}

export async function pull(
  { request, auth }: Order,
  { pulls, onProgress }: Pick<CreateContext, 'pulls' | 'onProgress'>,
): Promise<void> {
  await pulls.fetch(request._body.Image, auth, onProgress);
}

/** 409: it runs or ran, or is being removed by someone else; the next inspection shows which. */
export async function removeUnlessRunning(engine: GatedEngine, id: string): Promise<void> {
  await engine.remove(id).catch((error: unknown) => {
    if (!(error instanceof EngineRefusal) || error.status !== 409) throw error;
  });
}

/** Nothing was started; the leader requests it again. */
export function notLeading(engine: GatedEngine): CarillonError {
  return engine.unavailable('this scheduler can no longer prove that it leads');
}

export function refused(message: string, field: string, value: unknown): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field, value });
}
