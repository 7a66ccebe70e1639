/**
 * Steps between create and start: networks beyond the first, and secrets as files.
 *
 * A secret file is sent as an archive into an anonymous volume at its folder. It therefore appears neither in
 * inspections nor in an address, works with an engine on another machine and a read-only root, and is removed
 * with the container: nothing is left to clean up when a scheduler dies.
 */

import { CarillonError } from '../../errors.ts';
import { folderOf } from '../../scheduler/job/container-spec.ts';
import type { LaunchSpec, SecretFile } from '../../scheduler/job/spec.ts';
import { EngineRefusal } from '../container/transport.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { DockerEngine } from './engine.ts';
import { type TarFile, tarOf } from './tar.ts';

/** Readable by everyone in the container, whatever user the job runs as. */
const secretFileMode = 0o444;

export interface SecretContent {
  readonly mount: string;
  readonly bytes: Uint8Array;
}

/** LAUNCH_REFUSED, ENGINE_UNAVAILABLE. */
export async function readSecretFiles({ container }: LaunchSpec, secrets: Secrets): Promise<SecretContent[]> {
  const read = async ({ name, mount, ...ref }: SecretFile) => ({
    mount,
    bytes: await secrets.read(`run.secrets.${name}`, ref),
  });
  return Promise.all(container.secretFiles.map(read));
}

/**
 * Call it between create and start. If the engine refuses, removes the container, so that its name is free
 * again, and throws LAUNCH_REFUSED.
 */
export async function prepareContainer(
  engine: DockerEngine,
  id: string,
  spec: LaunchSpec,
  secrets: readonly SecretContent[],
): Promise<void> {
  try {
    for (const network of spec.container.networks.slice(1)) await engine.connect(network, id);
    for (const [folder, files] of byFolder(secrets)) await engine.upload(id, folder, tarOf(files));
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    await engine.remove(id);
    throw new CarillonError('LAUNCH_REFUSED', `The engine refused to prepare the container: ${error.words}`, {
      field: 'run',
      value: spec.image,
    });
  }
}

function byFolder(secrets: readonly SecretContent[]): Map<string, TarFile[]> {
  const folders = new Map<string, TarFile[]>();
  for (const { mount, bytes } of secrets) {
    const folder = folderOf(mount);
    const file = { name: mount.slice(folder.length + 1), mode: secretFileMode, bytes };
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return folders;
}
