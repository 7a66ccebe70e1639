/** What a damaged store does at the next start: it is refused in words, and stays as it is. */

import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshState } from '../../../src/scheduler/model/fresh-state.ts';
import { checkFile } from '../../../src/store/embedded/file.ts';
import { damaged } from '../../../src/store/embedded/health.ts';
import { createEmbeddedStore, type EmbeddedStore } from '../../../src/store/embedded/store.ts';
import { openRoot, openTables } from '../../../src/store/embedded/tables.ts';
import { job, run } from '../../conformance/store.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-damage-'));
let copies = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A data directory with a store of many jobs, long commands and a past. */
const whole = join(root, 'whole');
const JOBS = 120;
const command = (i: number): string => `echo ${'long '.repeat((i % 20) * 40)}`;

async function opened(dataDir: string): Promise<EmbeddedStore> {
  const store = createEmbeddedStore({ dir: join(dataDir, 'store') });
  await store.open();
  return store;
}

beforeAll(async () => {
  const store = await opened(whole);
  const term = await store.campaign();
  for (let i = 0; i < JOBS; i++) {
    const name = `job-${i}`;
    await store.commit(term, [
      [
        { kind: 'job', value: job(name, { run: { command: command(i) } }) },
        { kind: 'state', value: freshState(name, i) },
        { kind: 'run-ended', value: run(name, i, { state: 'succeeded', endedAt: 1 }) },
      ],
    ]);
  }
  await store.close();
});

interface Copy {
  readonly dataDir: string;
  readonly file: string;
}

function copied(): Copy {
  const dataDir = join(root, `copy-${copies++}`);
  cpSync(whole, dataDir, { recursive: true });
  return { dataDir, file: join(dataDir, 'store', 'data.mdb') };
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Opens and reads everything; answers how it was refused, or all that was read. */
async function read(dataDir: string): Promise<{ refusal: Refusal } | { contents: string }> {
  const store = createEmbeddedStore({ dir: join(dataDir, 'store') });
  try {
    await store.open();
    const contents: unknown[] = [];
    for await (const items of store.load()) contents.push(...items);
    for (let i = 0; i < JOBS; i++) contents.push(await store.archive.runs({ job: `job-${i}`, limit: 10 }));
    return { contents: JSON.stringify(contents) };
  } catch (error) {
    const { code, message } = error as Refusal;
    return { refusal: { code, message } };
  } finally {
    await store.close();
  }
}

async function refusal(dataDir: string): Promise<Refusal | null> {
  const found = await read(dataDir);
  return 'refusal' in found ? found.refusal : null;
}

function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, offset);
  closeSync(fd);
}

const garbage = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 193 + 71) % 256));
const sizeOf = (path: string): number => statSync(path).size;

const ways: Record<string, { readonly harm: (copy: Copy) => void; readonly says: RegExp }> = {
  'the file is empty': { harm: ({ file }) => truncateSync(file, 0), says: /data\.mdb is empty/ },
  'the file has some bytes only': {
    harm: ({ file }) => truncateSync(file, 100),
    says: /data\.mdb is truncated/,
  },
  'the file has its first page only': {
    harm: ({ file }) => truncateSync(file, 4_096),
    says: /data\.mdb is truncated/,
  },
  'the file is cut in half': {
    harm: ({ file }) => truncateSync(file, sizeOf(file) / 2),
    says: /data\.mdb is truncated: it has \d+ bytes, but data up to \d+/,
  },
  'the file is missing': { harm: ({ file }) => rmSync(file), says: /data\.mdb is missing/ },
  'the folder is missing': {
    harm: ({ dataDir }) => rmSync(join(dataDir, 'store'), { recursive: true }),
    says: /data\.mdb is missing/,
  },
  'the folder is empty': {
    harm: ({ dataDir }) => {
      rmSync(join(dataDir, 'store'), { recursive: true });
      mkdirSync(join(dataDir, 'store'));
    },
    says: /data\.mdb is missing/,
  },
  'the file is missing, and no marker tells of it': {
    harm: ({ dataDir, file }) => {
      rmSync(file);
      rmSync(join(dataDir, 'store.json'));
    },
    says: /data\.mdb is missing/,
  },
  'the file is empty, and no marker tells of it': {
    harm: ({ dataDir, file }) => {
      truncateSync(file, 0);
      rmSync(join(dataDir, 'store.json'));
    },
    says: /data\.mdb is empty/,
  },
  'the file is another program’s': {
    harm: ({ file }) => writeFileSync(file, garbage(50_000)),
    says: /data\.mdb does not start like a store/,
  },
  'the file is all zeros': {
    harm: ({ file }) => writeFileSync(file, Buffer.alloc(sizeOf(file))),
    says: /data\.mdb does not start like a store/,
  },
  'the file is one of LMDB’s earlier form': {
    harm: ({ file }) => overwrite(file, 28, Buffer.from([1])),
    says: /data\.mdb has LMDB format 1; this version reads 2/,
  },
  'the file is of another installation': {
    harm: ({ dataDir }) => {
      const marker = join(dataDir, 'store.json');
      const was = JSON.parse(readFileSync(marker, 'utf8'));
      writeFileSync(marker, JSON.stringify({ ...was, installation: 'another' }));
    },
    says: /belongs to installation .+, but another was here before/,
  },
  'the marker is empty': {
    harm: ({ dataDir }) => writeFileSync(join(dataDir, 'store.json'), ''),
    says: /store\.json, which identifies the store in .+, cannot be read/,
  },
};

describe('a store is refused', () => {
  test.each(Object.entries(ways))('when %s', async (_, { harm, says }) => {
    const copy = copied();
    harm(copy);
    const before = existsSync(copy.file) ? readFileSync(copy.file) : null;
    for (let times = 0; times < 2; times++) {
      expect(await refusal(copy.dataDir)).toEqual({
        code: 'STORE_DAMAGED',
        message: expect.stringMatching(says),
      });
    }
    expect(await refusal(copy.dataDir)).toMatchObject({
      message: expect.stringContaining(`carillon restore FILE --data-dir ${copy.dataDir} --replace`),
    });
    const after = existsSync(copy.file) ? readFileSync(copy.file) : null;
    expect(after === null ? before === null : before?.equals(after)).toBe(true);
  });

  test('when an older copy of the file stands in its place', async () => {
    const copy = copied();
    const old = readFileSync(copy.file);
    const store = await opened(copy.dataDir);
    await store.campaign();
    await store.close();
    writeFileSync(copy.file, old);
    expect(await refusal(copy.dataDir)).toEqual({
      code: 'STORE_DAMAGED',
      message: expect.stringMatching(/is older than before: its newest term is 1, but 2 was here before/),
    });
  });
});

test('whatever page is garbage, zero or cut off: all is read as it was, or it is refused', async () => {
  const undamaged = await read(copied().dataDir);
  const pages = sizeOf(join(whole, 'store', 'data.mdb')) / 4_096;
  let refusals = 0;
  const harm = async (doIt: (copy: Copy) => void): Promise<void> => {
    const copy = copied();
    doIt(copy);
    const found = await read(copy.dataDir);
    if ('refusal' in found) {
      expect(found.refusal.code).toBe('STORE_DAMAGED');
      refusals += 1;
    } else expect(found.contents === ('contents' in undamaged && undamaged.contents)).toBe(true);
    rmSync(copy.dataDir, { recursive: true });
  };
  for (let page = 0; page < pages; page += page < 12 ? 1 : 3) {
    await harm(({ file }) =>
      overwrite(file, page * 4_096, page % 4 < 2 ? garbage(4_096) : Buffer.alloc(4_096)),
    );
    await harm(({ file }) => overwrite(file, page * 4_096 + 1_000, garbage(64)));
    if (page % 7 === 0) await harm(({ file }) => truncateSync(file, page * 4_096));
  }
  expect(refusals).toBeGreaterThan(pages / 6);
}, 120_000);

/** Of the two first pages, the one with the newer transaction: how many there were decides which. */
function newestFirstPage(file: string): 0 | 1 {
  const bytes = readFileSync(file);
  return bytes.readBigUInt64LE(4_096 + 152) > bytes.readBigUInt64LE(152) ? 1 : 0;
}

/** Where LMDB would believe it, and read or write where nothing is. */
test.each([
  ['the kind of a first page', 0, 18, 0],
  ['the flags of the free pages', 0, 53, 255],
  ['the flags of the tables', 0, 100, 255],
  ['the last page', null, 150, 255],
  ['the number of a transaction', 1, 153, 1],
] as const)('a changed byte in %s is refused', async (_, page, offset, value) => {
  const copy = copied();
  const at = (page ?? newestFirstPage(copy.file)) * 4_096 + offset;
  overwrite(copy.file, at, Buffer.from([value]));
  expect(await refusal(copy.dataDir)).toMatchObject({ code: 'STORE_DAMAGED' });
});

test('a page that claims to be of a later transaction is refused where it is in use, and a commit never writes to it', async () => {
  const pages = sizeOf(join(whole, 'store', 'data.mdb')) / 4_096;
  let refusals = 0;
  for (let page = 2; page < pages; page += 3) {
    const copy = copied();
    overwrite(copy.file, page * 4_096 + 12, Buffer.from([29]));
    if ((await refusal(copy.dataDir)) !== null) refusals += 1;
    else {
      const store = await opened(copy.dataDir);
      await store.commit(await store.campaign(), [[{ kind: 'job', value: job('job-1', { owner: 'x' }) }]]);
      await store.close();
    }
    rmSync(copy.dataDir, { recursive: true });
  }
  expect(refusals).toBeGreaterThan(pages / 12);
});

/** Where searching would go wrong, and reading in order would not. */
test('whatever byte of a key is changed, on the way to the records or beside them: all are found, or it is refused', async () => {
  const { file } = copied();
  const bytes = readFileSync(file);
  const allFound = async (dataDir: string): Promise<boolean> => {
    const store = join(dataDir, 'store');
    const database = openRoot(store);
    try {
      const tables = openTables(database, (what) => damaged(store, what));
      return Array.from({ length: JOBS }, (_, i) => tables.present.get('job')?.get(`job-${i}`)).every(
        (found) => found,
      );
    } finally {
      await database.close();
    }
  };
  let refusals = 0;
  for (let page = 2 * 4_096; page < bytes.length; page += 4_096) {
    const isBranch = (bytes.readUInt16LE(page + 18) & 0xf) === 1;
    const isLeaf = (bytes.readUInt16LE(page + 18) & 0xf) === 2;
    if (bytes.readUInt32LE(page) !== page / 4_096 || !(isBranch || (isLeaf && page % 11 === 0))) continue;
    const pointers = bytes.readUInt16LE(page + 20);
    for (let pointer = 2; pointer < pointers; pointer += isBranch ? 4 : 18) {
      const entry = page + 24 + bytes.readUInt16LE(page + 24 + pointer);
      const length = bytes.readUInt16LE(entry + 6);
      if (length === 0) continue;
      const copy = copied();
      const at = entry + 8 + Math.min(length - 1, 4 + (pointer % 3));
      overwrite(copy.file, at, Buffer.from([(bytes[at] as number) ^ 0x41]));
      if ((await refusal(copy.dataDir)) === null) expect(await allFound(copy.dataDir)).toBe(true);
      else refusals += 1;
      rmSync(copy.dataDir, { recursive: true });
    }
  }
  expect(refusals).toBeGreaterThan(3);
}, 120_000);

test('a changed byte in a value is refused with the table and the record', async () => {
  const copy = copied();
  const file = readFileSync(copy.file);
  const value = file.lastIndexOf(Buffer.from('"updatedBy":"ann"'));
  overwrite(copy.file, value + 13, Buffer.from('b'));
  expect(await refusal(copy.dataDir)).toEqual({
    code: 'STORE_DAMAGED',
    message: expect.stringMatching(/record "job-\d+" of table jobs is damaged/),
  });
});

test('a store without checksums, as earlier versions wrote it, is read, and written with them', async () => {
  const dataDir = join(root, 'earlier');
  const dir = join(dataDir, 'store');
  mkdirSync(dir, { recursive: true });
  const earlier = openRoot(dir);
  const jobs = earlier.openDB<string, string>({ name: 'jobs', encoding: 'string' });
  const { name, ...stored } = job('old');
  await jobs.put(name, JSON.stringify(stored));
  const { meta } = openTables(earlier, (what) => damaged(dir, what));
  await meta.put('format', 2);
  await meta.put('cluster', 'kept');
  await earlier.close();
  for (let times = 0; times < 2; times++) {
    const store = await opened(dataDir);
    expect(await store.installation()).toBe('kept');
    const items = [];
    for await (const chunk of store.load()) items.push(...chunk);
    expect(items).toEqual([{ kind: 'job', value: expect.objectContaining({ name: 'old' }) }]);
    const term = await store.campaign();
    await store.commit(term, [[{ kind: 'job', value: job('old') }]]);
    await store.close();
  }
  expect(String(readFileSync(join(dir, 'data.mdb')))).toMatch(/#[0-9a-f]{8}\{/);
});

test('a store that was being made when its process was killed is made at the next start', async () => {
  const dataDir = join(root, 'begun');
  mkdirSync(join(dataDir, 'store'), { recursive: true });
  writeFileSync(
    join(dataDir, 'store.json'),
    JSON.stringify({ state: 'being-made', installation: '', term: 0 }),
  );
  writeFileSync(join(dataDir, 'store', 'data.mdb'), '');
  expect(await refusal(dataDir)).toBeNull();
});

test('the check of a file finds nothing wrong after thousands of commits that grow, shrink and remove', async () => {
  const dataDir = join(root, 'worn');
  const store = await opened(dataDir);
  const term = await store.campaign();
  for (let i = 0; i < 1_500; i++) {
    const name = `job-${(i * 7) % 90}`;
    const size = (i * 7_919) % 60_000;
    const revision = { job: name, revision: i, at: i, by: 'x', definition: null };
    await store.commit(term, [
      i % 5 === 4
        ? [{ kind: 'job-removed', value: revision }]
        : [{ kind: 'job', value: job(name, { run: { command: 'x'.repeat(size) } }) }],
      [{ kind: 'run-ended', value: run(name, i, { state: 'succeeded', endedAt: 1 }) }],
    ]);
    if (i % 25 === 0) checkFile(join(dataDir, 'store', 'data.mdb'));
  }
  await store.close();
  expect(await refusal(dataDir)).toBeNull();
}, 60_000);
