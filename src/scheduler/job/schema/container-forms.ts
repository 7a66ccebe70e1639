/** How parts of a container are written: ports and sizes are numbers in container-spec.ts and size.ts. Pure. */

/** `source:target[:ro]`: the target is absolute; the engine decides what a source may be. */
export const volumeForm = /^[^:]+:\/[^:]*(?::(?:ro|rw))?$/;

export const hostNameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;
/** The container's own host name: the kernel allows 64 characters. */
export const ownHostnameForm = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/;
/**
 * Four numbers, or a text with colons; the engine checks the rest. `host-gateway` is a special value of
 * Docker.
 */
export const addressForm = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*|host-gateway)$/;

export const ulimitName = /^[a-z]{2,16}$/;

/** -1 means unlimited, so nothing exceeds it. */
export const isUlimit = (soft: number, hard: number): boolean => hard === -1 || (soft !== -1 && soft <= hard);

/** Absolute, below the root, without `..`; a colon would end it in a mount. */
export function isPath(path: string): boolean {
  return /^(?:\/[^/:\0]+)+$/.test(path) && !/\/\.\.?(?:\/|$)/.test(path);
}

/** Programs of an image may read variables with names that a shell would drop. */
export const variableForm = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** Names that every shell passes on. */
export const shellVariableForm = /^[A-Za-z_][A-Za-z0-9_]*$/;
