/** What this project installs, as its lock file says, and what of it is a surprise. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  /** Only for packages that do not come from the registry. */
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface Manifest {
  /** Packages with scripts that run when they are installed: whether they may. */
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

/** One line of the list. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Part of what users install. */
  readonly shipped: boolean;
  /** Null: it has no script. */
  readonly script: 'runs' | 'blocked' | 'undecided' | null;
  readonly surprises: readonly string[];
}

/** Licences that let everybody use, change and pass on a program under a licence of his own. */
const permissive = [
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
];
const alsoPermissive = ['Unlicense', 'Zlib', 'CC0-1.0', 'Python-2.0'];
const accepted = new Set([...permissive, ...alsoPermissive]);

/** Only for development: changes of these files would have to be published, and nothing of them is shipped. */
const acceptedInDevelopment = new Set(['MPL-2.0', 'CC-BY-4.0']);

/** Packages that name their licence only in their LICENSE file, which somebody has read. */
const readByHand: Readonly<Record<string, string>> = {
  ssh2: 'MIT',
  'cpu-features': 'MIT',
  buildcheck: 'MIT',
};

const root = resolve(import.meta.dirname, '../..');
const readJson = (file: string): unknown => JSON.parse(readFileSync(resolve(root, file), 'utf8'));
export const lockOfProject = (): Lock => readJson('package-lock.json') as Lock;
export const manifestOfProject = (): Manifest => readJson('package.json') as Manifest;

export function dependenciesIn(lock: Lock, { allowScripts }: Manifest): Dependency[] {
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, locked]): Dependency => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const licence = locked.license ?? readByHand[name] ?? '';
      const shipped = locked.dev !== true && locked.devOptional !== true;
      const script = scriptOf(locked, allowScripts[name]);
      const surprises = surprisesIn(locked, { licence, shipped, script });
      return { name, version: locked.version ?? '', licence, shipped, script, surprises };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function scriptOf({ hasInstallScript }: LockedPackage, may: boolean | undefined): Dependency['script'] {
  if (hasInstallScript !== true) return null;
  return may === undefined ? 'undecided' : may ? 'runs' : 'blocked';
}

function surprisesIn(
  { integrity, resolved, link }: LockedPackage,
  { licence, shipped, script }: Pick<Dependency, 'licence' | 'shipped' | 'script'>,
): string[] {
  const found: string[] = [];
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
    found.push('has no SHA-512 in package-lock.json, so that its content is not pinned');
  const isElsewhere = resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/');
  if (link === true || isElsewhere) found.push(`comes from ${resolved ?? 'a folder'}, not from the registry`);
  if (!isAccepted(licence, shipped))
    found.push(licence === '' ? 'names no licence' : `has the licence ${licence}, which nobody has accepted`);
  if (script === 'undecided')
    found.push(
      'has a script that runs when it is installed; decide about it in allowScripts of package.json',
    );
  return found;
}

/** Of `A OR B` one must be accepted, of `A AND B` both. */
function isAccepted(licence: string, shipped: boolean): boolean {
  const isGood = (name: string): boolean =>
    accepted.has(name) || (!shipped && acceptedInDevelopment.has(name));
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((name) => isGood(name.trim())));
}
