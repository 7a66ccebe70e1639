import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { isAlive, isGroupAlive, procSource, psSource } from '../../../src/executor/process/table.ts';
import {
  outcomeOf,
  parseJournal,
  parseLaunchFile,
  parseStat,
} from '../../../src/executor/supervised/journal.ts';
import { until } from '../../support/until.ts';

const stat = `77 (a) b) S 1 77 77 0 -1 4194304 91 0 0 0 0 0 0 0 20 0 1 0 353663 2654208`;
const start = `start 77 boot-1 ${stat}\n`;
const cause = (code: string) => ({ cause: { code } });

describe('the journal of a launch', () => {
  const supervisor = { pid: 77, boot: 'boot-1', began: '353663' };
  const job = { pid: 78, boot: 'boot-1', began: '353664' };
  const empty = {
    supervisor: null,
    job: null,
    cgroup: null,
    obstacle: null,
    exitCode: null,
    kill: null,
    killed: false,
    overtime: false,
    outOfMemory: false,
    endedAt: null,
    bytesDropped: 0,
    startedAt: null,
    exitedAt: null,
    usage: null,
  };

  test.each([
    ['nothing', '', empty],
    ['a start, whatever the command is called', start, { ...empty, supervisor }],
    [
      'the job and its cgroup, wherever that lies',
      `cgroup /sys/fs/cgroup/a b/c\njob 78 ${stat.replaceAll('77', '78').replace('353663', '353664')}\n${start}`,
      { ...empty, supervisor, job, cgroup: '/sys/fs/cgroup/a b/c' },
    ],
    [
      'none of what comes after the start: a shell’s job may have written it',
      `${start}cgroup /sys/fs/cgroup/init.scope\njob 1 ${stat}\n`,
      { ...empty, supervisor },
    ],
    ['neither without a start', `cgroup /c\njob 78 ${stat}\n`, empty],
    [
      'a start as ps tells it',
      'start 5 - Sat Nov  1 10:00:00 2025\n',
      { ...empty, supervisor: { pid: 5, boot: '-', began: 'Sat Nov 1 10:00:00 2025' } },
    ],
    ['no line without its newline', `${start}exit 1`, { ...empty, supervisor }],
    ['the first exit', `${start}exit 1\nexit 2\n`, { ...empty, supervisor, exitCode: 1 }],
    [
      'the earliest deadline',
      'kill 100 50\nkill 110 10\nkill 120 90\n',
      { ...empty, kill: { by: 120, graceMs: 10 } },
    ],
    ['the first end', 'ended 5\nended 9 7\n', { ...empty, endedAt: 5 }],
    ['how much output was dropped by then', 'ended 5 7\n', { ...empty, endedAt: 5, bytesDropped: 7 }],
    ['nothing of what it does not know', 'exit x\nkill 1\nfoo\n\nstart\n', empty],
  ])('tells %s', (_, text, journal) => {
    expect(parseJournal(text)).toEqual(journal);
  });

  const record = { cluster: 'c', id: 'i', cgroup: '/cgroups/i' };
  const beginning = (notes: string, orders: string, text = JSON.stringify(record)): Buffer => {
    const bytes = Buffer.alloc(2_048 + text.length);
    bytes.write(`carillon-launch 1 ${String(bytes.length).padStart(6, '0')} 0000000003 000000000000042\n`);
    bytes.write(notes, 64);
    bytes.write(orders, 1_024);
    bytes.write(text, 2_048);
    return Buffer.concat([bytes, Buffer.from('output')]);
  };
  const started = 'job 78 353664\nstart 77 353663 boot-1 1000\n';
  const running = { ...empty, bytesDropped: 42, supervisor, job, startedAt: 1_000 };

  test.each([
    ['nothing before the start', beginning('', ''), { ...empty, bytesDropped: 42 }],
    ['a start', beginning(started, ''), running],
    ['a job in its cgroup', beginning(`in-cgroup\n${started}`, ''), { ...running, cgroup: '/cgroups/i' }],
    [
      'orders of schedulers',
      beginning(started, 'kill 100 50\nkill 110 10\n'),
      { ...running, kill: { by: 120, graceMs: 10 } },
    ],
    [
      'an exit, and no end while something of it is left',
      beginning(`${started}error 2\nexit 127 1500\n`, ''),
      { ...running, obstacle: 2, exitCode: 127, exitedAt: 1_500 },
    ],
    [
      'the end, with what was used',
      beginning(`${started}killed\nexit 137 1500\nusage 2000 500 10 1 2 3 4\ngone 1600\n`, ''),
      {
        ...running,
        exitCode: 137,
        exitedAt: 1_500,
        killed: true,
        endedAt: 1_600,
        usage: { cpuMs: 3, peakBytes: 10_240, readBytes: 512, writtenBytes: 1_024 },
      },
    ],
    [
      'that memory was used up',
      beginning(`${started}exit 9 1500\nout-of-memory 1\n`, ''),
      { ...running, exitCode: 9, exitedAt: 1_500, outOfMemory: true },
    ],
    [
      'that it was ended after its timeout',
      beginning(`${started}overtime\n`, ''),
      { ...running, overtime: true },
    ],
    ['no line without its newline', beginning(`${started}exit 1`, ''), running],
  ])('in a file tells %s', (_, bytes, journal) => {
    expect(parseLaunchFile(bytes)).toEqual({ record, journal });
  });

  test('in a file that the job itself wrote tells only numbers', () => {
    const bytes = beginning(
      'job x y\nstart x y boot-1 z\nexit x 1e400\nusage x 1e308 -1 0x10 x\ngone Infinity\n',
      '',
    );
    const { startedAt, exitCode, exitedAt, endedAt, usage } = parseLaunchFile(bytes).journal;
    for (const each of [startedAt, exitCode, exitedAt, endedAt, ...Object.values(usage ?? {})])
      expect(each).toBe(0);
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['zero', Buffer.alloc(4_096)],
    ['cut off', beginning('', '').subarray(0, 2_050)],
  ])('in a file that is %s after a crash of the machine has no record', (_, bytes) => {
    expect(parseLaunchFile(bytes).record).toBeNull();
  });

  test.each([
    [
      'how much output was dropped',
      `${start}exit 0\nended 5 7\n`,
      'boot-1',
      { exitCode: 0, bytesDropped: 7 },
    ],
    ['an exit code as it is', `${start}kill 1 5\nexit 3\nkilled\n`, 'boot-1', { exitCode: 3 }],
    ['137 after KILL', `${start}kill 1 5\nkilled\n`, 'boot-1', { exitCode: 137, ...cause('kill-forced') }],
    [
      'an end by KILL as a kill',
      `${start}kill 1 5\nkilled\nexit 137\n`,
      'boot-1',
      { exitCode: 137, ...cause('kill-forced') },
    ],
    ['137 when killed before the start', 'killed\n', 'boot-1', { exitCode: 137, ...cause('never-started') }],
    [
      'no code when the supervisor vanished',
      start,
      'boot-1',
      { exitCode: null, ...cause('supervisor-lost') },
    ],
    [
      'the machine’s fault after a restart',
      start,
      'boot-2',
      { exitCode: null, infrastructure: true, ...cause('machine-restarted') },
    ],
    [
      'the machine’s fault when it never began',
      '',
      'boot-1',
      { exitCode: null, infrastructure: true, ...cause('never-started') },
    ],
  ])('says %s', (_, text, boot, outcome) => {
    const { reason: _reason, ...rest } = outcomeOf(parseJournal(text), boot);
    expect(rest).toEqual(outcome);
  });

  test('a line of the system that is cut short tells nothing', () => {
    expect(parseStat('77 (sh) S 1')).toBeNull();
  });
});

const sources = [
  ['ps', psSource] as const,
  ...(process.platform === 'linux' ? [['/proc', procSource] as const] : []),
];
describe.each(sources)('processes as %s tells of them', (_, makeSource) => {
  test('are known while they live, apart from others of their number, and with their group', async () => {
    const source = makeSource();
    // The leader leaves at the word; its child stays in the group.
    const script = 'sleep 60 & echo $!; read -r word';
    const leader = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
    const [line] = (await once(leader.stdout, 'data')) as [Buffer];
    const child = Number(line.toString());
    const identity = { pid: leader.pid!, boot: source.boot, ...(await source.find(leader.pid!))! };
    expect(await isAlive(source, identity)).toBe(true);
    expect(await isAlive(source, { ...identity, began: 'another time' })).toBe(false);
    expect(await isAlive(source, { ...identity, boot: 'another boot' })).toBe(false);
    expect(await isGroupAlive(source, { ...identity, began: 'another time' })).toBe(false);
    leader.stdin.end('go\n');
    await once(leader, 'exit');
    expect(await isAlive(source, identity)).toBe(false);
    expect(await isGroupAlive(source, identity)).toBe(true);
    process.kill(child, 'SIGKILL');
    await until('the group is empty', async () => !(await isGroupAlive(source, identity)));
  });
});
