/** The smallest program that proves that it runs: it appends the time of its first instruction to a file. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export function buildStamp(program: string): void {
  execFileSync('gcc', [
    ...['-Os', '-ffreestanding', '-fno-stack-protector', '-nostdlib', '-static', '-s'],
    ...['-o', program, join(import.meta.dirname, 'stamp.c')],
  ]);
}
