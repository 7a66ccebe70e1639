/** Image names and registry credentials, as an engine wants them. Pure. */

import { CarillonError } from '../errors.ts';
import type { RegistryAuth } from './docker-transport.ts';

const dockerHub = 'https://index.docker.io/v1/';

/** With a tag or digest in any case: a pull without one fetches every tag there is. */
export function fullImageName(image: string): string {
  const lastPart = image.slice(image.lastIndexOf('/') + 1);
  return lastPart.includes(':') || lastPart.includes('@') ? image : `${image}:latest`;
}

/** The registry of an image, by Docker's rule: the first part, if it looks like a host. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost ? first : dockerHub;
}

/**
 * Credentials out of the text of a secret: `user:password`, `{"username","password"}`, or the file that
 * `docker login` writes. LAUNCH_REFUSED when it is none of them; the text itself is never quoted.
 */
export function registryAuth(image: string, secret: string): RegistryAuth {
  const serveraddress = registryOf(image);
  const text = secret.trim();
  const pair = text.startsWith('{') ? fromJson(text, serveraddress) : splitPair(text);
  if (pair !== null) return { ...pair, serveraddress };
  throw new CarillonError('LAUNCH_REFUSED', `The registry secret has no credentials for ${serveraddress}`, {
    field: 'run.registry.secret',
    allowed: ['user:password', '{"username":…,"password":…}', 'the config.json that docker login writes'],
  });
}

type Pair = Pick<RegistryAuth, 'username' | 'password'>;

function fromJson(text: string, registry: string): Pair | null {
  const value = parse(text);
  if (typeof value.username === 'string' && typeof value.password === 'string') {
    return { username: value.username, password: value.password };
  }
  const auths = record(value.auths);
  const { auth } = record(auths[registry] ?? auths[`https://${registry}`]);
  return typeof auth === 'string' ? splitPair(Buffer.from(auth, 'base64').toString()) : null;
}

function splitPair(text: string): Pair | null {
  const colon = text.indexOf(':');
  return colon > 0 ? { username: text.slice(0, colon), password: text.slice(colon + 1) } : null;
}

function parse(text: string): Record<string, unknown> {
  try {
    return record(JSON.parse(text));
  } catch {
    return {};
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
