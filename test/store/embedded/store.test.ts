import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { newestFormat } from '../../../src/scheduler/records/stored.ts';
import type { LoadedItem } from '../../../src/scheduler/records/table.ts';
import { createEmbeddedStore } from '../../../src/store/embedded/store.ts';
import { layoutOf, openRoot, openTables } from '../../../src/store/embedded/tables.ts';
import { storeConformance } from '../../conformance/store.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-store-'));
let directories = 0;
const fresh = (): string => join(root, String(directories++));
afterAll(() => rmSync(root, { recursive: true, force: true }));

storeConformance('embedded', async () => {
  const dir = fresh();
  const open = async () => {
    const store = createEmbeddedStore({ dir });
    await store.open();
    return store;
  };
  return {
    open,
    cleanup: async () => rmSync(dir, { recursive: true, force: true }),
    shared: false,
    cutsAtCommit: true,
  };
});

test('its files are for its user only, whatever folder a copy of them comes into', async () => {
  const dir = fresh();
  const store = createEmbeddedStore({ dir });
  await store.open();
  const modes = readdirSync(dir).map((file) => [file, (statSync(join(dir, file)).mode & 0o777).toString(8)]);
  await store.close();
  expect(modes.map(([file]) => file)).toContain('data.mdb');
  expect(modes.filter(([, mode]) => mode !== '600')).toEqual([]);
});

describe('the lock of a data directory', () => {
  test('stays with a store that is asked to open once more', async () => {
    const dir = fresh();
    const store = createEmbeddedStore({ dir });
    await store.open();
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await expect(createEmbeddedStore({ dir }).open()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await store.close();
  });

  test("is one process's when several come at once for what a killed one held", async () => {
    const dir = fresh();
    const writer = await startWriter(dir);
    await writer.kill();
    const script = `
import { lockDirectory } from ${JSON.stringify(join(import.meta.dirname, '../../../src/store/embedded/lock.ts'))};
process.stdin.once('data', () => {
  try { lockDirectory(process.argv[1]); console.log('mine'); } catch (error) { console.log(error.code); }
  process.stdin.once('data', () => process.exit());
});
console.log('ready');`;
    const rivals = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, dir], {
        cwd: join(import.meta.dirname, '../../..'),
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const lines = rivals.map((rival) => createInterface({ input: rival.stdout })[Symbol.asyncIterator]());
    const next = () => Promise.all(lines.map(async (each) => (await each.next()).value));
    await next();
    for (const rival of rivals) rival.stdin.write('go');
    expect((await next()).sort()).toEqual([
      'STORE_IN_USE',
      'STORE_IN_USE',
      'STORE_IN_USE',
      'STORE_IN_USE',
      'STORE_IN_USE',
      'mine',
    ]);
    const closed = rivals.map((rival) => once(rival, 'close'));
    for (const rival of rivals) rival.stdin.write('end');
    await Promise.all(closed);
  }, 30_000);

  test('keeps out a second store of the same process', async () => {
    const dir = fresh();
    const first = createEmbeddedStore({ dir });
    await first.open();
    await expect(createEmbeddedStore({ dir }).open()).rejects.toMatchObject({
      code: 'STORE_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    });
    await first.close();
    const second = createEmbeddedStore({ dir });
    await second.open();
    await second.close();
  });

  test('keeps out another process, and is free when that process was killed', async () => {
    const dir = fresh();
    const writer = await startWriter(dir);
    const pid = String(writer.child.pid);
    await expect(createEmbeddedStore({ dir }).open()).rejects.toMatchObject({
      code: 'STORE_IN_USE',
      message: expect.stringContaining(pid),
    });
    await writer.kill();
    const store = createEmbeddedStore({ dir });
    await store.open();
    await store.close();
  });
});

test('a directory that cannot be made is named with the cause', async () => {
  const file = fresh();
  writeFileSync(file, '');
  chmodSync(file, 0o600);
  await expect(createEmbeddedStore({ dir: join(file, 'data') }).open()).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('ENOTDIR'),
  });
});

test('a directory of another layout is refused, and its lock let go', async () => {
  const dir = fresh();
  const root = openRoot(dir);
  await openTables(root, (what) => new CarillonError('STORE_DAMAGED', what)).meta.put(
    'format',
    layoutOf(newestFormat + 1),
  );
  await root.close();
  for (let times = 0; times < 2; times++) {
    await expect(createEmbeddedStore({ dir }).open()).rejects.toMatchObject({
      code: 'STORE_TOO_NEW',
      message: expect.stringContaining('was written by a later release'),
    });
  }
});

test('a full disk refuses the commit with its cause, and keeps what was acknowledged', async () => {
  const dir = fresh();
  const script = `
import { createEmbeddedStore } from ${JSON.stringify(join(import.meta.dirname, '../../../src/store/embedded/store.ts'))};
const store = createEmbeddedStore({ dir: process.argv[1] });
await store.open();
const term = await store.campaign();
const job = (name) => ({ kind: 'job', value: { name, definition: { name, run: { command: 'x'.repeat(50_000) } }, resolved: null, revision: 1, createdAt: 1, updatedAt: 1, updatedBy: 'x' } });
let acknowledged = 0;
try {
  for (; acknowledged < 100; acknowledged++) await store.commit(term, [[job('a' + acknowledged)], [job('b' + acknowledged)]]);
} catch (error) {
  // A rejection that nobody handles would end the process before this.
  await new Promise((resolve) => setImmediate(resolve));
  console.log(JSON.stringify({ code: error.code, message: error.message, acknowledged }));
}
await store.close();`;
  // A bound on the size of files stands for the disk's: 4096 blocks of 512 bytes.
  const limited = `trap '' XFSZ; ulimit -f 4096; exec "$0" --import tsx --input-type=module -e "$1" "$2"`;
  const child = spawn('sh', ['-c', limited, process.execPath, script, dir], {
    cwd: join(import.meta.dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => said.push(text));
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
  const { code, message, acknowledged } = JSON.parse(said.at(-1) ?? '{}');
  expect({ code, message }).toEqual({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/too large|No space left|Input\/output/),
  });
  const store = createEmbeddedStore({ dir });
  await store.open();
  let jobs = 0;
  for await (const chunk of store.load()) jobs += chunk.length;
  await store.close();
  expect(acknowledged).toBeGreaterThan(0);
  expect(jobs).toBe(2 * acknowledged);
}, 30_000);

/** A process that commits numbered batches, each of three writes, and says which are acknowledged. */
const writerScript = `
import { createEmbeddedStore } from ${JSON.stringify(join(import.meta.dirname, '../../../src/store/embedded/store.ts'))};
const store = createEmbeddedStore({ dir: process.argv[1] });
await store.open();
const term = await store.campaign();
const job = (name) => ({ kind: 'job', value: { name, definition: { name, run: { command: 'x'.repeat(500) } }, resolved: null, revision: 1, createdAt: 1, updatedAt: 1, updatedBy: 'x' } });
console.log('ready');
for (let i = 0; ; i++) {
  const id = term + '-' + i;
  await store.commit(term, [[job('a' + id), job('b' + id)], [job('c' + id)]]);
  console.log(id);
}`;

async function startWriter(
  dir: string,
): Promise<{ child: ChildProcess; acknowledged: string[]; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', writerScript, dir], {
    cwd: join(import.meta.dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  await once(lines, 'line');
  lines.on('line', (line) => acknowledged.push(line));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    // 'close' comes when everything it had printed was read.
    await once(child, 'close');
  };
  return { child, acknowledged, kill };
}

test('kill -9 at random moments loses no acknowledged batch and leaves none by halves', async () => {
  const dir = fresh();
  const acknowledged: string[] = [];
  for (let round = 0; round < 20; round++) {
    const writer = await startWriter(dir);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
    await writer.kill();
    acknowledged.push(...writer.acknowledged);
  }
  const store = createEmbeddedStore({ dir });
  await store.open();
  const names = new Set<string>();
  for await (const chunk of store.load())
    for (const item of chunk as LoadedItem[]) if (item.kind === 'job') names.add(item.value.name);
  await store.close();
  expect(acknowledged.length).toBeGreaterThan(20);
  expect(acknowledged.filter((id) => !['a', 'b', 'c'].every((letter) => names.has(letter + id)))).toEqual([]);
  const batches = new Set([...names].map((name) => name.slice(1)));
  expect([...batches].filter((id) => !['a', 'b', 'c'].every((letter) => names.has(letter + id)))).toEqual([]);
}, 120_000);
