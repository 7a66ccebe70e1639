/** Reading and changing a definition by the path of a field, `policy.retries.limit`; nothing is changed in place. */

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

/** With `undefined` the field goes, and with it what is empty without it. */
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

/** The paths of all that is set and is no tree: lists and texts. */
export function leaves(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? leaves(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

/** What a field shows of a value: also of one that only YAML can say. */
export function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(asText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
