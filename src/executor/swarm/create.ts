/** From a launch to a service: its secrets read and given to the Swarm, then created by name. */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec, SecretFile } from '../../scheduler/job/spec.ts';
import { type FindCredentials, ownCredentials } from '../container/credentials.ts';
import { labelOf } from '../container/labels.ts';
import { EngineRefusal } from '../container/transport.ts';
import { readSecretFile, readSecretVariables } from '../secret-file.ts';
import type { SwarmEngine } from './engine.ts';
import { launchLabel, type SwarmSecret, secretName, swarmService } from './request.ts';

export interface CreateContext {
  readonly engine: SwarmEngine;
  readonly credentials: FindCredentials;
  /** Whether it is still to be started, and this scheduler leads; asked right before. */
  readonly mayCreate: () => boolean;
}

/**
 * True when it was created, false when the name is taken. LAUNCH_REFUSED leaves nothing, and so does NOT_LEADING:
 * `mayCreate` said no.
 */
export async function createService(spec: LaunchSpec, context: CreateContext): Promise<boolean> {
  const { engine, credentials, mayCreate } = context;
  const image = requireSupported(spec);
  const secrets = await readSecretVariables(spec.secrets);
  const auth = (await ownCredentials(spec, image)) ?? (await credentials(image));
  const texts = await Promise.all(spec.container.secretFiles.map(readFile));
  const requireLead = () => {
    if (!mayCreate()) throw new CarillonError('NOT_LEADING', 'it is not to be started any more');
  };
  try {
    requireLead();
    const files: SwarmSecret[] = [];
    for (const [index, text] of texts.entries()) files.push(await giveSecret(spec, index, text, engine));
    return await engine.create(swarmService(spec, image, { secrets, files }), auth, requireLead);
  } catch (error) {
    const code = error instanceof CarillonError ? error.code : null;
    // Where nobody knows what was made, the secrets may be in use: they are kept for the next try.
    if (code !== 'ENGINE_UNAVAILABLE' && texts.length > 0) await removeSecrets(engine, spec.launchName);
    if (error instanceof EngineRefusal)
      throw refused(`The Swarm does not take its secrets: ${error.words}`, 'run.secrets', spec.launchName);
    throw error;
  }
}

/** Removes what the Swarm holds for a launch; refused, and left, while its service is there. */
export async function removeSecrets(engine: SwarmEngine, launchName: string): Promise<void> {
  const held = await engine.secrets({ label: [`${launchLabel}=${launchName}`] });
  const leave = (error: unknown): void => {
    if (!(error instanceof EngineRefusal)) throw error;
  };
  for (const { ID } of held) await engine.removeSecret(ID).catch(leave);
}

/**
 * Removes what launches left that never came to a service, because their scheduler died. Only what was without one
 * the last time too: `before` names those, and the answer the ones for the next time.
 */
export async function sweepSecrets(
  engine: SwarmEngine,
  of: {
    readonly cluster: string;
    readonly isUsed: (launchName: string) => boolean;
    readonly before: ReadonlySet<string>;
  },
): Promise<Set<string>> {
  const held = await engine.secrets({ label: [`${labelOf.cluster}=${of.cluster}`] });
  const names = held.map(({ Spec }) => Spec.Labels?.[launchLabel] ?? '');
  const unused = new Set(names.filter((name) => !of.isUsed(name)));
  for (const name of unused) if (of.before.has(name)) await removeSecrets(engine, name);
  return unused;
}

/** The image; LAUNCH_REFUSED for what a Swarm would do in another way than a job says. */
function requireSupported({ image, container: { networks } }: LaunchSpec): string {
  if (image === null) throw refused('There is no image to run', 'run.image', image);
  if (networks.length === 0 || networks.includes('none')) {
    const message =
      'A service can not be without a network; name one, for instance an internal overlay network';
    throw refused(message, 'run.network', 'none');
  }
  return image;
}

function readFile(file: SecretFile): Promise<string> {
  return readSecretFile(`run.secrets.${file.name}`, file);
}

/** Made anew where an earlier try left one: what it holds may have changed since. */
async function giveSecret(
  spec: LaunchSpec,
  index: number,
  text: string,
  engine: SwarmEngine,
): Promise<SwarmSecret> {
  const { launchName, cluster } = spec;
  const name = secretName(launchName, index);
  const file = spec.container.secretFiles[index] as SecretFile;
  const create = () =>
    engine.createSecret(name, { [labelOf.cluster]: cluster, [launchLabel]: launchName }, text);
  try {
    return { id: await create(), name, file };
  } catch (error) {
    if (!(error instanceof EngineRefusal) || error.status !== 409) throw error;
  }
  const held = (await engine.secrets({ name: [name] })).find(({ Spec }) => Spec.Name === name);
  // In use, then, by a service of this very launch, which is about to be found.
  const removed =
    held === undefined ||
    (await engine.removeSecret(held.ID).then(
      () => true,
      () => false,
    ));
  return { id: removed ? await create() : held.ID, name, file };
}

function refused(message: string, field: string, value: unknown): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field, value });
}
