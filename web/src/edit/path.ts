/** Reads and changes a definition by field path, such as `policy.retries.limit`, without mutation. */

export type Tree = { readonly [key: string]: unknown };

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function valueAt(tree: Tree, path: string): unknown {
  let value: unknown = tree;
  for (const key of path.split('.')) {
    if (!isTree(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** `undefined` removes the field, and parents that become empty. */
export function withValue(tree: Tree, path: string, value: unknown): Tree {
  const [key = '', ...rest] = path.split('.');
  const below = tree[key];
  const changed = rest.length === 0 ? value : withValue(isTree(below) ? below : {}, rest.join('.'), value);
  const gone =
    changed === undefined || (rest.length > 0 && isTree(changed) && Object.keys(changed).length === 0);
  if (!gone) return { ...tree, [key]: changed };
  const { [key]: _, ...others } = tree;
  return others;
}

/** Paths of all values that are not objects, including lists. */
export function leaves(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? leaves(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

/** The text that a field shows for a value, even one that only YAML can express. */
export function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(asText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
