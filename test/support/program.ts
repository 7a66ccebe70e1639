/**
 * The program as it is installed: JavaScript in `dist`, which starts in half the time of the source. `vitest` builds it
 * before the first test, and so does every other program that starts it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const main = join(root, 'dist/main.js');
/** Exit code of the compiler. */
const BUILT_WITH_ERRORS = 2;

/** Before its arguments. */
export const program: readonly [string, string] = [process.execPath, main];

/** Builds it if a file of `src` is newer than the last build. The pages of the web app stay as they are. */
export default function buildProgram(): void {
  if (existsSync(main) && newestSource() < statSync(main).mtimeMs) return;
  const compiler = join(root, 'node_modules/.bin/tsc');
  const { status } = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  // `npm run check` judges types. A change that breaks one on purpose can still be tried.
  if (status !== 0 && status !== BUILT_WITH_ERRORS) throw new Error('The program could not be built.');
}

function newestSource(): number {
  const entries = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return Math.max(...entries.map((name) => statSync(join(root, 'src', name)).mtimeMs));
}
