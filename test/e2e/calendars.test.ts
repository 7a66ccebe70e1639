/** Calendars, pauses and maintenance by the commands of the real program. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-calendars-'));
const [command, ...main] = program as readonly [string, ...string[]];
let server: Server;

beforeAll(async () => {
  server = await Server.start(join(dir, 'data'));
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

/** What it prints, also if it fails. */
async function carillon(...args: string[]): Promise<string> {
  const { out, err } = await runCommand(args, { url: server.url });
  return out + err;
}

/** In a process of its own: Node.js and the tests load packages in different ways. */
const inProcess = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(command, [...main, '--url', server.url, ...args])).stdout;

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

test('an iCalendar file is imported, and a job leaves its days out', async () => {
  const [holiday, after] = [inDays(3), inDays(4)].map((day) => day.replaceAll('-', ''));
  const ics = join(dir, 'holidays.ics');
  const lines = [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//a//b//EN', 'X-WR-CALNAME:Company Holidays'],
    ...['BEGIN:VEVENT', 'UID:1', 'DTSTAMP:20260101T000000Z', `DTSTART;VALUE=DATE:${holiday}`],
    ...[`DTEND;VALUE=DATE:${after}`, 'SUMMARY:Founders', 'END:VEVENT', 'END:VCALENDAR', ''],
  ];
  writeFileSync(ics, lines.join('\r\n'));
  expect(await inProcess('calendars', 'import', ics)).toContain('created company-holidays: 1 event, 1 date');
  expect(await carillon('calendars', 'import', ics)).toContain('unchanged company-holidays');
  expect(await carillon('calendars', 'company-holidays')).toContain(`${inDays(3)} Founders`);

  const job = join(dir, 'job.yaml');
  writeFileSync(
    job,
    'name: nightly\nschedule: { cron: "0 6 * * *", calendar: { except: company-holidays } }\nrun: { command: "true" }\n',
  );
  await carillon('apply', '-f', job);
  expect(await carillon('next', 'nightly', '-n', '8')).toMatch(
    new RegExp(`^ +\\w+ ${inDays(3)} 06:00:00.* left out: company-holidays$`, 'm'),
  );
  expect(await carillon('pause', 'nightly', '--until', `${inDays(2)}T12:00`)).toBe('nightly is paused\n');
  expect(await carillon('pause', 'nightly', '--until', '2020-01-01T00:00')).toContain(
    'a time in the next 366 days',
  );
  expect(await carillon('calendars', 'delete', 'company-holidays')).toContain('nightly');
});

test('a run waits for the end of a maintenance', async () => {
  const job = join(dir, 'hand.yaml');
  writeFileSync(job, 'name: hand\nrun: { command: "true" }\n');
  await carillon('apply', '-f', job);
  expect(await carillon('maintenance', 'status')).toBe('no maintenance\n');
  await carillon('maintenance', 'start', '--until', `${inDays(1)}T06:00`, '--reason', 'new disks');
  expect(await carillon('maintenance', 'status')).toMatch(/^all .*new disks$/m);
  expect(await carillon('run', 'hand')).toMatch(/is queued: maintenance until .*: new disks/);
  expect(await carillon('maintenance', 'end')).toBe('maintenance of all jobs has ended\n');
  await eventually(
    () => carillon('runs', '--job', 'hand'),
    (runs) => runs.includes('succeeded'),
  );
  expect(await carillon('maintenance', 'end')).toContain('There is no maintenance');
});
