/** Names of images, by the grammar of Docker and the Open Container Initiative. */

/** All names that the default registry has had. */
export const defaultHosts: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
]);

export interface ImageName {
  /** In lower case, with its port. */
  readonly registry: string;
  readonly path: string;
  /** Null: none is written. */
  readonly tag: string | null;
  readonly digest: string | null;
}

const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const registryForm = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-f:.]+\\])(?::[0-9]{1,5})?$`);
const pathForm = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;
const digestForm = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}$/;

/**
 * The content of an image of the engine, or the beginning of it, so whoever made it is unknown. An engine takes a bare name of
 * hexadecimal digits for one if it has no image of the name.
 */
export const isImageId = (text: string): boolean => /^(?:sha\d+:.*|[0-9a-f]+)$/i.test(text);

/** Null: it is an id, or no name. */
export function imageName(text: string): ImageName | null {
  if (isImageId(text)) return null;
  const { registry, path, tag, digest } = splitImage(text);
  const isName =
    registryForm.test(registry) &&
    pathForm.test(path) &&
    (tag === null || tagForm.test(tag)) &&
    (digest === null || digestForm.test(digest));
  return isName ? { registry, path, tag, digest } : null;
}

/** The parts of a name or of a pattern of names, with the default registry and its folder of official images. */
export function splitImage(text: string): ImageName {
  const [whole = '', ...behind] = text.split('@');
  const colon = whole.indexOf(':', whole.lastIndexOf('/') + 1);
  const name = colon < 0 ? whole : whole.slice(0, colon);
  const host = registryIn(name);
  const rest = host === null ? name : name.slice(host.length + 1);
  const isDefault = host === null || defaultHosts.has(host.toLowerCase());
  const isOfficial = isDefault && !rest.includes('/') && rest !== '**';
  return {
    registry: isDefault ? 'docker.io' : host.toLowerCase(),
    path: isOfficial ? `library/${rest}` : rest,
    tag: colon < 0 ? null : whole.slice(colon + 1),
    digest: behind.length === 0 ? null : behind.join('@').toLowerCase(),
  };
}

/** The first part, if it looks like a host. Null: the default registry. */
export function registryIn(image: string): string | null {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  return isHost ? first : null;
}
