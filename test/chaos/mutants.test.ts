import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { copySource, mutants } from './mutants.ts';

const root = resolve(import.meta.dirname, '../..');

test.each(Object.keys(mutants))('what %s takes out is still there', (name) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-mutant-'));
  try {
    expect(copySource(root, dir, name)).toBe(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
