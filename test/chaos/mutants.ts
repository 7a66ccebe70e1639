/**
 * The source that a run is over: a copy, so that nobody's edits reach a node that is started again in the middle;
 * and on demand with one safeguard taken out, which the checker must catch.
 */

import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Mutant {
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const mutants: Readonly<Record<string, Mutant>> = {
  'retries-off': {
    file: 'src/scheduler/attempts.ts',
    find: 'if (failures > policy.retries.limit) return false;',
    replace: 'return false;',
  },
};

/** Makes the copy in `dir` and answers `dir`; `mutant` may be left out, and fails where its line is no more. */
export function copySource(root: string, dir: string, mutant: string | undefined): string {
  cpSync(join(root, 'src'), join(dir, 'src'), { recursive: true });
  for (const file of ['package.json', 'tsconfig.json']) cpSync(join(root, file), join(dir, file));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  if (mutant !== undefined) spoil(dir, mutant);
  return dir;
}

function spoil(dir: string, name: string): void {
  const mutant = mutants[name];
  if (mutant === undefined)
    throw new Error(`--mutant is ${name}; allowed are ${Object.keys(mutants).join(', ')}`);
  const path = join(dir, mutant.file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(mutant.find);
  if (parts.length !== 2) throw new Error(`${mutant.file} has the line of ${name} ${parts.length - 1} times`);
  writeFileSync(path, parts.join(mutant.replace));
}
