/** The container settings of a job as numbers, with the defaults for all engines. Pure. */

import { CarillonError } from '../../errors.ts';
import type { RunDefinition } from './definition.ts';
import type { SecretDefinition } from './schema/secret.ts';
import { memoryBytes } from './size.ts';
import {
  type ContainerSpec,
  type PublishedPort,
  plainContainer,
  type SecretFile,
  type SecretRef,
} from './spec.ts';

/**
 * Removed from every container unless the job adds them: creating device nodes, raw sockets, and writing the
 * kernel's audit log. They serve few jobs and many attacks on the host and its neighbours. chown, su and
 * setuid, chroot, signals to others, low ports and installing packages need none of them. Ping does in some
 * images.
 */
export const droppedCapabilities = ['AUDIT_WRITE', 'MKNOD', 'NET_RAW'] as const;

/** INVALID_FIELD for an invalid port or size. */
export function containerSpec(run: RunDefinition): ContainerSpec {
  const shm = run.resources?.shm;
  return {
    ...plainContainer,
    args: run.entrypoint === undefined ? (run.args ?? null) : null,
    networks: run.networks ?? (run.network === undefined ? [] : [run.network]),
    ports: (run.ports ?? []).map((port, index) => publishedPort(port, `run.ports[${index}]`)),
    hostname: run.hostname ?? null,
    hosts: run.hosts ?? {},
    tmpfs: tmpfsBytes(run.tmpfs ?? {}),
    secretFiles: secretFiles(run),
    shmBytes: shm === undefined ? null : memoryBytes(shm, 'run.resources.shm'),
    init: run.init ?? true,
    readOnly: run.readOnly ?? false,
    noNewPrivileges: run.noNewPrivileges ?? false,
    capabilities: capabilities(run.capabilities ?? {}),
  };
}

const portForm =
  /^(?:(?:(?<address>[0-9.]+|\[[0-9A-Fa-f:.]+\]):)?(?<published>\d{0,5}):)?(?<target>\d{1,5})(?:\/(?<protocol>tcp|udp))?$/;

/** Parses `[[address:]published:]target[/udp]`, as in `docker run -p`. INVALID_FIELD naming `field`. */
export function publishedPort(text: string, field: string): PublishedPort {
  const { address, published = '', target, protocol } = portForm.exec(text)?.groups ?? {};
  const ports = [target ?? '0', published === '' ? '1' : published].map(Number);
  if (ports.some((port) => port < 1 || port > 65_535)) {
    throw new CarillonError(
      'INVALID_FIELD',
      `${field} is ${JSON.stringify(text)}, which is not a port to publish`,
      {
        field,
        value: text,
        allowed: '80, 8080:80, 127.0.0.1:8080:80, each with /udp if it is not TCP',
      },
    );
  }
  return {
    target: Number(target),
    published: published === '' ? null : Number(published),
    address: address?.replace(/^\[|\]$/g, '') ?? null,
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
  };
}

/** INVALID_FIELD naming the path with the invalid size. */
export function tmpfsBytes(tmpfs: Readonly<Record<string, string>>): Record<string, number> {
  const sizes = Object.entries(tmpfs).map(
    ([path, size]) => [path, memoryBytes(size, `run.tmpfs.${path}`)] as const,
  );
  return Object.fromEntries(sizes);
}

function secretFiles({ secrets = {} }: RunDefinition): SecretFile[] {
  return Object.entries(secrets).flatMap(([name, { mount, ...secret }]) =>
    mount === undefined ? [] : [{ name, mount, ...secretRef(secret) }],
  );
}

/** Of a secret with one source, as every accepted job's. */
export function secretRef({ file, env, exec, vault }: SecretDefinition): SecretRef {
  if (env !== undefined) return { env };
  if (exec !== undefined) return { exec };
  if (vault !== undefined) return { vault };
  return { file: file ?? '' };
}

/** The parent folder of an absolute path; `/` for a file in the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

/** What the job drops, and the default drops that it does not add. */
function capabilities({ add = [], drop = [] }: NonNullable<RunDefinition['capabilities']>) {
  if (drop.includes('ALL')) return { add, drop: ['ALL'] };
  const dropped = new Set<string>([...droppedCapabilities, ...drop]);
  for (const name of add) dropped.delete(name);
  return { add, drop: [...dropped] };
}
