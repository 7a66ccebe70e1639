/**
 * The source that a run is over: a copy, so that nobody's edits reach a node that is started again in the middle;
 * and on demand with one safeguard taken out, which the checker must catch, or as it was at an earlier commit.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Edit {
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const mutants: Readonly<Record<string, readonly Edit[]>> = {
  /** A commit that was refused counts as written, and a leader believes in its lease for ever. */
  'fencing-off': [
    {
      file: 'src/store/zookeeper/writer.ts',
      find: '(error: unknown) => this.#trouble(entry, error),',
      replace: '() => this.#durable(entry),',
    },
    {
      file: 'src/store/zookeeper/election.ts',
      find: 'session.silenceMs() < session.timeoutMs * LEASE',
      replace: 'session.silenceMs() >= 0 * LEASE',
    },
  ],
  /** What fails is not tried again. */
  'retries-off': [
    {
      file: 'src/scheduler/rules/attempts.ts',
      find: 'if (failures > policy.retries.limit) return false;',
      replace: 'return false;',
    },
  ],
};

/** Makes the copy in `dir` and answers `dir`; `mutant` may be left out, and fails where its line is no more. */
export function copySource(root: string, dir: string, mutant: string | undefined): string {
  cpSync(join(root, 'src'), join(dir, 'src'), { recursive: true });
  for (const file of ['package.json', 'tsconfig.json']) cpSync(join(root, file), join(dir, file));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  if (mutant !== undefined) spoil(dir, mutant);
  return dir;
}

/** The same for what `commit` holds, with the packages of today. */
export function copyCommit(root: string, dir: string, commit: string): string {
  mkdirSync(dir, { recursive: true });
  const tree = join(dir, 'tree.tar');
  execFileSync('git', ['archive', '-o', tree, commit, 'src', 'package.json', 'tsconfig.json'], { cwd: root });
  execFileSync('tar', ['-xf', tree, '-C', dir]);
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  return dir;
}

function spoil(dir: string, name: string): void {
  const edits = mutants[name];
  if (edits === undefined)
    throw new Error(`--mutant is ${name}; allowed are ${Object.keys(mutants).join(', ')}`);
  for (const { file, find, replace } of edits) {
    const path = join(dir, file);
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2) throw new Error(`${file} has what ${name} replaces ${parts.length - 1} times`);
    writeFileSync(path, parts.join(replace));
  }
}
