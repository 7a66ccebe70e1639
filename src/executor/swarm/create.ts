/**
 * Creates the service of a launch: reads its secrets, passes them to the Swarm, and creates the service by
 * name.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec, SecretFile } from '../../scheduler/job/spec.ts';
import { type FindCredentials, ownCredentials } from '../container/credentials.ts';
import { labelOf } from '../container/labels.ts';
import type { LaunchMasks } from '../container/masks.ts';
import { EngineRefusal } from '../container/transport.ts';
import { readSecretText, readSecretVariables, type Secrets } from '../secrets/secrets.ts';
import type { SwarmEngine } from './engine.ts';
import { launchLabel, type SwarmSecret, secretName, swarmService } from './request.ts';

export interface CreateContext {
  readonly engine: SwarmEngine;
  readonly credentials: FindCredentials;
  readonly secrets: Secrets;
  readonly masks: LaunchMasks;
  /** Whether it should still be started and this scheduler leads; called directly before. */
  readonly mayCreate: () => boolean;
}

/**
 * True if it was created, false if the name is in use. LAUNCH_REFUSED and NOT_LEADING (`mayCreate` returned
 * false) leave nothing behind.
 */
export async function createService(spec: LaunchSpec, context: CreateContext): Promise<boolean> {
  const { engine, credentials, secrets, mayCreate } = context;
  const image = requireSupported(spec);
  const values = await readSecretVariables(secrets, spec.secrets);
  const auth = (await ownCredentials(spec, image, secrets)) ?? (await credentials(image));
  const texts = await Promise.all(
    spec.container.secretFiles.map(({ name, mount: _, ...ref }) =>
      readSecretText(secrets, `run.secrets.${name}`, ref),
    ),
  );
  context.masks.note(spec.launchName, texts);
  const requireLead = () => {
    if (!mayCreate()) throw new CarillonError('NOT_LEADING', 'it is no longer to be started');
  };
  try {
    requireLead();
    const files: SwarmSecret[] = [];
    for (const [index, text] of texts.entries()) files.push(await giveSecret(spec, index, text, engine));
    return await engine.create(swarmService(spec, image, { secrets: values, files }), auth, requireLead);
  } catch (error) {
    const code = error instanceof CarillonError ? error.code : null;
    // If the outcome is unknown, the secrets may be in use: they are kept for the next attempt.
    if (code !== 'ENGINE_UNAVAILABLE' && texts.length > 0) await removeSecrets(engine, spec.launchName);
    if (error instanceof EngineRefusal)
      throw refused(`The Swarm refused its secrets: ${error.words}`, 'run.secrets', spec.launchName);
    throw error;
  }
}

/** Removes what the Swarm has stored for a launch; refused while its service exists. */
export async function removeSecrets(engine: SwarmEngine, launchName: string): Promise<void> {
  const held = await engine.secrets({ label: [`${launchLabel}=${launchName}`] });
  const leave = (error: unknown): void => {
    if (!(error instanceof EngineRefusal)) throw error;
  };
  for (const { ID } of held) await engine.removeSecret(ID).catch(leave);
}

/**
 * Removes secrets of launches that never got a service, because their scheduler died. Only if they had none
 * the last time too: `before` names those, and the result names those for the next time.
 */
export async function sweepSecrets(
  engine: SwarmEngine,
  of: {
    readonly installation: string;
    readonly isUsed: (launchName: string) => boolean;
    readonly before: ReadonlySet<string>;
  },
): Promise<Set<string>> {
  const held = await engine.secrets({ label: [`${labelOf.installation}=${of.installation}`] });
  const names = held.map(({ Spec }) => Spec.Labels?.[launchLabel] ?? '');
  const unused = new Set(names.filter((name) => !of.isUsed(name)));
  for (const name of unused) if (of.before.has(name)) await removeSecrets(engine, name);
  return unused;
}

/** The image. LAUNCH_REFUSED for settings that a Swarm would interpret differently. */
function requireSupported({ image, container: { networks } }: LaunchSpec): string {
  if (image === null) throw refused('There is no image to run', 'run.image', image);
  if (networks.length === 0 || networks.includes('none')) {
    const message = 'A service cannot be without a network; name one, such as an internal overlay network';
    throw refused(message, 'run.network', 'none');
  }
  return image;
}

/** Replaces the secret of an earlier attempt, whose content may be outdated. */
async function giveSecret(
  spec: LaunchSpec,
  index: number,
  text: string,
  engine: SwarmEngine,
): Promise<SwarmSecret> {
  const { launchName, installation } = spec;
  const name = secretName(launchName, index);
  const file = spec.container.secretFiles[index] as SecretFile;
  const create = () =>
    engine.createSecret(name, { [labelOf.installation]: installation, [launchLabel]: launchName }, text);
  try {
    return { id: await create(), name, file };
  } catch (error) {
    if (!(error instanceof EngineRefusal) || error.status !== 409) throw error;
  }
  const held = (await engine.secrets({ name: [name] })).find(({ Spec }) => Spec.Name === name);
  // In use by a service of this very launch, which is about to be found.
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
