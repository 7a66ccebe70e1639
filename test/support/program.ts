/**
 * The program as it is installed: JavaScript in `dist`, which starts in half the time of the source. `vitest` builds it
 * before the first test, and so does every other program that starts it.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const main = join(root, 'dist/main.js');

/** Before its arguments. */
export const program: readonly [string, string] = [process.execPath, main];

/** Builds it if a file of `src` is newer than the last build. The pages of the web app stay as they are. */
export default function buildProgram(): void {
  if (existsSync(main) && newestSource() < statSync(main).mtimeMs) return;
  const compiler = join(root, 'node_modules/.bin/tsc');
  execFileSync(compiler, ['-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function newestSource(): number {
  const entries = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return Math.max(...entries.map((name) => statSync(join(root, 'src', name)).mtimeMs));
}
