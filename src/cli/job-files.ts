/** Job files as named on a command line: files, folders, or standard input. */

import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError, problemsIn } from '../errors.ts';
import { parseJobFile } from '../job-file/read.ts';
import { decodeUtf8 } from '../job-file/utf8.ts';
import type { WrittenJob } from '../job-file/written-job.ts';
import type { Io } from './shell.ts';

/** Maximum number of files in a folder and its subfolders: more is probably the wrong folder. */
const MAX_FILES = 20_000;
const jobFiles = 'a file or a folder of .yaml, .yml and .json files, or - for standard input';
const endings = /\.(ya?ml|json)$/;

export interface ReadJobs {
  /** In order, with all files of a folder. */
  readonly jobs: readonly WrittenJob[];
  /** Why files could not be read. */
  readonly problems: readonly CarillonError[];
}

/** Reads the jobs of the named files, as far as they are readable. */
export async function readJobs(paths: readonly string[], io: Io): Promise<ReadJobs> {
  const jobs: WrittenJob[] = [];
  const problems: CarillonError[] = [];
  const read = (parse: () => WrittenJob[]): void => {
    try {
      for (const job of parse()) jobs.push(job);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      problems.push(...problemsIn(error));
    }
  };
  for (const path of paths) {
    if (path === '-') {
      const text = await io.stdin();
      read(() => parseJobFile(text, 'standard input'));
      continue;
    }
    let files: string[] = [];
    read(() => {
      files = filesAt(path);
      return [];
    });
    for (const file of files) read(() => parseJobFile(readText(file), file));
  }
  return { jobs, problems };
}

/** Reads a file. INVALID_FIELD if it is unreadable, INVALID_BODY if it is not UTF-8. */
export function readText(path: string): string {
  return decodeUtf8(
    reading(path, 'a readable file', () => readFileSync(path)),
    path,
  );
}

function filesAt(path: string): string[] {
  return reading(path, jobFiles, () => {
    if (!statSync(path).isDirectory()) return [path];
    const files = filesIn(path);
    if (files.length > MAX_FILES) {
      throw new CarillonError('LIMIT_EXCEEDED', `${path} contains ${files.length} job files.`, {
        field: 'file',
        value: path,
        allowed: `at most ${MAX_FILES} files`,
      });
    }
    return files;
  });
}

/** The regular job files of a folder and its subfolders, sorted. Each is read once, whatever links lead to it. */
function filesIn(path: string): string[] {
  const known = new Set([realpathSync(path)]);
  const files: string[] = [];
  const folders = [path];
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort()) {
      const inner = join(folder, name);
      const { real, is } = foundAt(inner);
      const wanted = is === 'folder' || (is === 'file' && endings.test(name));
      if (!wanted || known.has(real)) continue;
      known.add(real);
      (is === 'folder' ? folders : files).push(inner);
    }
  }
  return files.sort();
}

interface Found {
  /** The path without links. */
  readonly real: string;
  /** Other things, such as pipes, may never end. */
  readonly is: 'file' | 'folder' | 'other';
}

function foundAt(path: string): Found {
  try {
    const stats = statSync(path);
    return {
      real: realpathSync(path),
      is: stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : 'other',
    };
  } catch {
    // A link that leads nowhere; reading it says why.
    return { real: path, is: 'file' };
  }
}

function reading<T>(path: string, allowed: string, read: () => T): T {
  return using(path, read, { verb: 'read', allowed });
}

/** Runs a function that writes to `path`. INVALID_FIELD if it cannot be written. */
export function writing<T>(path: string, write: () => T): T {
  return using(path, write, { verb: 'written', allowed: 'a writable file or folder' });
}

function using<T>(path: string, act: () => T, { verb, allowed }: { verb: string; allowed: string }): T {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof CarillonError || code === undefined) throw error;
    throw new CarillonError('INVALID_FIELD', `${path} cannot be ${verb} (${code}).`, {
      field: 'file',
      value: path,
      allowed,
    });
  }
}
