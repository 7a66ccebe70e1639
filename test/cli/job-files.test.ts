/** Folders of job files: which files of them are read. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJobs } from '../../src/cli/job-files.ts';
import type { Io } from '../../src/cli/shell.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-job-files-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string) => writeFileSync(join(root, path), `name: ${path.replaceAll(/\W/g, '-')}\n`);

async function read(...paths: string[]): Promise<{ sources: string[]; problems: string[] }> {
  const { jobs, problems } = await readJobs(
    paths.map((path) => join(root, path)),
    {} as Io,
  );
  const shown = (text: string) => text.replaceAll(`${root}/`, '');
  return {
    sources: jobs.map(({ source }) => shown(source)),
    problems: problems.map(({ message }) => shown(message)),
  };
}

test('job files of all its folders, in order', async () => {
  mkdirSync(join(root, 'sub/deep'), { recursive: true });
  for (const path of ['b.yaml', 'a.json', 'sub/c.yml', 'sub/deep/d.yaml', 'notes.txt'])
    path.endsWith('json') ? writeFileSync(join(root, path), '{"name":"a"}') : write(path);
  expect(await read('.')).toEqual({
    sources: ['a.json:1', 'b.yaml:1', 'sub/c.yml:1', 'sub/deep/d.yaml:1'],
    problems: [],
  });
});

test('each file once, however many links lead to it', async () => {
  mkdirSync(join(root, 'jobs/sub'), { recursive: true });
  mkdirSync(join(root, 'elsewhere'));
  for (const path of ['jobs/a.yaml', 'jobs/sub/b.yaml', 'elsewhere/c.yaml', 'd.yaml']) write(path);
  symlinkSync('..', join(root, 'jobs/sub/up'));
  symlinkSync('../elsewhere', join(root, 'jobs/linked'));
  symlinkSync('a.yaml', join(root, 'jobs/again.yaml'));
  symlinkSync('../d.yaml', join(root, 'jobs/d.yaml'));
  write('jobs/0.txt');
  symlinkSync('0.txt', join(root, 'jobs/text.yaml'));
  expect(await read('jobs')).toEqual({
    sources: [
      'jobs/a.yaml:1',
      'jobs/d.yaml:1',
      'jobs/linked/c.yaml:1',
      'jobs/sub/b.yaml:1',
      'jobs/text.yaml:1',
    ],
    problems: [],
  });
});

test('no pipes, as they may never end, unless one is named', async () => {
  const pipe = join(root, 'pipe.yaml');
  execFileSync('mkfifo', [pipe]);
  write('a.yaml');
  const writer = spawn('sh', ['-c', `echo 'name: piped' > '${pipe}'`]);
  try {
    expect(await read('.')).toEqual({ sources: ['a.yaml:1'], problems: [] });
    expect(await read('pipe.yaml')).toEqual({ sources: ['pipe.yaml:1'], problems: [] });
  } finally {
    writer.kill();
  }
});

test('a link that leads nowhere is reported', async () => {
  symlinkSync('nowhere', join(root, 'a.yaml'));
  symlinkSync('b.yaml', join(root, 'b.yaml'));
  write('c.yaml');
  expect(await read('.')).toEqual({
    sources: ['c.yaml:1'],
    problems: ['a.yaml cannot be read (ENOENT).', 'b.yaml cannot be read (ELOOP).'],
  });
});
