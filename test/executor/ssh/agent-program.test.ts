/** The agent as a program on this machine: it serves for days, and does for many launches what a command does for one. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusLine } from '../../../src/executor/logs/frames.ts';
import { Agent } from '../../../src/executor/ssh/agent.ts';
import { area } from '../../../src/executor/supervised/journal.ts';
import { installSupervisor } from '../../../src/executor/supervisor/file.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Log } from '../../../src/scheduler/ports.ts';

/** EAGAIN */
const claimed = 11;
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

describe.skipIf(process.platform !== 'linux')('the agent', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-agent-'));
  let child: ChildProcessWithoutNullStreams;
  let agent: Agent;

  beforeAll(async () => {
    const program = await installSupervisor(dir, log);
    child = spawn(program ?? '', ['agent', join(dir, 'served')]);
    agent = new Agent(child.stdin, realClock, () => child.kill('SIGKILL'));
    agent.read(child.stdout);
    await agent.hello;
  });
  afterAll(() => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  const openFiles = () => readdirSync(`/proc/${child.pid}/fd`).length;
  const pathOf = (name: string) => join(dir, 'served', 'launches', name);
  function leave(name: string, notes: string, bytes: number = area.record): void {
    const file = Buffer.alloc(bytes);
    file.write(notes, area.notes);
    writeFileSync(pathOf(name), file);
  }
  function leaveOf(name: string, id: string): Buffer {
    const record = `${JSON.stringify({ job: '"id":"old"', id, cgroup: null })}\n`;
    const file = Buffer.alloc(area.record + Buffer.byteLength(record));
    file.write(statusLine({ begin: file.length, newest: 0, dropped: 0 }));
    file.write(record, area.record);
    writeFileSync(pathOf(name), file);
    return file;
  }

  test('keeps no file open of what it was asked', async () => {
    leave('waits', '');
    leave('ran', 'start 1 2 3 4\n');
    const before = openFiles();
    for (const name of ['waits', 'ran', 'unknown'])
      for (let time = 0; time < 5; time++) {
        await agent.revoke(name, '-');
        await agent.head(name);
        await agent.size(`launches/${name}`);
        await agent.readPart(`launches/${name}`, 0, 10);
        await agent.killNow(name);
      }
    expect(openFiles()).toBe(before);
  });

  test('revokes by the notes of a launch alone, not by those of one before it', async () => {
    leave('ran', 'job 1 2\nstart 1 2 3 4\n');
    expect(await agent.revoke('ran', '-')).toBe(claimed);
    // Cut off by a crash of the machine.
    leave('cut', '', area.notes);
    expect(await agent.revoke('cut', '-')).toBe(0);
    leave('waits', '');
    expect(await agent.revoke('waits', '-')).toBe(0);
    expect(await agent.revoke('unknown', '-')).toBe(0);
  });

  test('touches no launch that was given the name of another one', async () => {
    const before = leaveOf('one', 'new');
    expect(await agent.revoke('one', 'old')).toBe(0);
    expect(await agent.remove('one', 'old')).toBe(0);
    await expect(agent.note('one', 'old', 'ended 1 0\n')).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    });
    expect(readFileSync(pathOf('one')).equals(before)).toBe(true);
    await agent.note('one', 'new', 'killed\n');
    expect(await agent.revoke('one', 'new')).toBe(0);
    expect(readFileSync(pathOf('one'), 'latin1').slice(area.orders)).toMatch(/^killed\nrevoked\n\0/);
    expect(await agent.remove('one', 'new')).toBe(0);
    expect(existsSync(pathOf('one'))).toBe(false);
  });
});
