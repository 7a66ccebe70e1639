/** Image names and registry credentials in the form that an engine needs. Pure. */

import { CarillonError } from '../../errors.ts';
import { defaultHosts, registryIn } from '../../scheduler/job/image-name.ts';
import type { Login, RegistryAuth } from './transport.ts';

const defaultRegistry = 'https://index.docker.io/v1/';

/** Adds a tag if there is no tag or digest: a pull without one fetches every tag. */
export function fullImageName(image: string): string {
  const lastPart = image.slice(image.lastIndexOf('/') + 1);
  return lastPart.includes(':') || lastPart.includes('@') ? image : `${image}:latest`;
}

/** The registry of an image, by Docker's rule. */
export function registryOf(image: string): string {
  const host = registryIn(image);
  return host !== null && !defaultHosts.has(host) ? host : defaultRegistry;
}

/**
 * Parses credentials from the text of a secret: `user:password`, `{"username","password"}`, or the file
 * written by `docker login`. LAUNCH_REFUSED if it is none of them; the text itself is never quoted.
 */
export function registryAuth(image: string, secret: string): RegistryAuth {
  const registry = registryOf(image);
  const text = secret.trim();
  const login = text.startsWith('{') ? fromJson(parse(text), registry) : splitPair(text);
  if (login !== null) return { ...login, serveraddress: registry };
  throw new CarillonError('LAUNCH_REFUSED', `The registry secret has no credentials for ${registry}`, {
    field: 'run.registry.secret',
    allowed: ['user:password', '{"username":…,"password":…}', 'the config.json that docker login writes'],
  });
}

/** The entry of a registry in the config.json of Docker's own client. */
export interface RegistryEntry {
  /** The program `docker-credential-…`. Null: none. */
  readonly helper: string | null;
  /** The login in the file itself. Null: none. */
  readonly login: Login | null;
}

/** Null if the text is not a JSON object. */
export function registryEntry(config: string, registry: string): RegistryEntry | null {
  const value = parse(config);
  if (value === null) return null;
  const named = ofRegistry(value.credHelpers, registry) ?? value.credsStore;
  return {
    helper: typeof named === 'string' && named !== '' ? named : null,
    login: fromAuths(value, registry),
  };
}

/** A helper's response to `get`. Null if it is not a login. A token has a special name instead of a user. */
export function helperLogin(answer: string): Login | null {
  const { Username: username, Secret: secret } = parse(answer) ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string') return null;
  return username === '<token>' ? { identitytoken: secret } : { username, password: secret };
}

function fromJson(value: JsonObject | null, registry: string): Login | null {
  if (value === null) return null;
  return fromEntry(value) ?? fromAuths(value, registry);
}

function fromAuths({ auths }: JsonObject, registry: string): Login | null {
  const entry = ofRegistry(auths, registry);
  return isObject(entry) ? fromEntry(entry) : null;
}

function fromEntry({ username, password, auth, identitytoken }: JsonObject): Login | null {
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identitytoken };
  if (typeof username === 'string' && typeof password === 'string') return { username, password };
  return typeof auth === 'string' ? splitPair(Buffer.from(auth, 'base64').toString()) : null;
}

/** Entries are keyed by host, or by an address of the host. */
function ofRegistry(entries: unknown, registry: string): unknown {
  if (!isObject(entries)) return undefined;
  const host = hostOf(registry);
  return Object.entries(entries).find(([key]) => hostOf(key) === host)?.[1];
}

function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return defaultHosts.has(host) ? defaultRegistry : host;
}

function splitPair(text: string): Login | null {
  const colon = text.indexOf(':');
  return colon > 0 ? { username: text.slice(0, colon), password: text.slice(colon + 1) } : null;
}

type JsonObject = Readonly<Record<string, unknown>>;

function parse(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
