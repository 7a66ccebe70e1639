import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importCrontab } from '../../src/cli/crontab.ts';
import type { CarillonError } from '../../src/errors.ts';
import { checkDefinition } from '../../src/scheduler/job/check/check.ts';
import { resolveSchedule } from '../../src/scheduler/schedule/parse.ts';

const nowMs = Date.UTC(2026, 10, 21);
const users = new Set(['root', 'www-data']);
function read(text: string, { userColumn = null as boolean | null, seconds = false, timezone = 'UTC' } = {}) {
  const { jobs, ...rest } = importCrontab(text, {
    ...{ source: 'crontab', userColumn, seconds, users },
    ...{ timezone, nowMs },
  });
  return { ...rest, jobs: jobs.map((job) => job.definition), sources: jobs.map((job) => job.source) };
}

describe('a crontab', () => {
  test('a line is a job named after its command, run as cron would run it', () => {
    expect(read('*/5 * * * * /usr/bin/backup --all\n').jobs).toEqual([
      {
        name: 'backup-all',
        schedule: { cron: '*/5 * * * *' },
        run: { command: '/usr/bin/backup --all' },
        policy: { overlap: 'allow', catchUp: 'none' },
      },
    ]);
  });

  test('@every takes its duration along, and what is random is said how to write', () => {
    const { jobs, leftOut } = read('@every 1h30m tool run\n~ 3 * * * other\n');
    expect(jobs).toMatchObject([{ schedule: { cron: '@every 1h30m' }, run: { command: 'tool run' } }]);
    expect(leftOut).toEqual([
      expect.stringContaining('crontab:2: The minute field "~" has "~", a random value: write H'),
    ]);
  });

  test('a comment above a line describes it; an empty line in between does not', () => {
    const { jobs } = read('# Backup of all\n# databases\n@daily one\n# A heading\n\n@daily two');
    expect(jobs.map((job) => job.description)).toEqual(['Backup of all databases', undefined]);
  });

  test('a line that was commented out describes nothing', () => {
    const { jobs } = read('# 0 5 * * * old --thing\n@daily one\n# 5 ways to fail\n@daily two');
    expect(jobs.map((job) => job.description)).toEqual([undefined, '5 ways to fail']);
  });

  test('each job knows its line', () => {
    expect(read('# x\n@daily a\n\n@daily b').sources).toEqual(['crontab:2', 'crontab:4']);
  });

  test('variables hold from where they stand on', () => {
    const { jobs } = read('@daily a\nDIR="/srv/x y"\n@daily b\nDIR=/other\n@daily c');
    expect(jobs.map((job) => job.run?.env)).toEqual([undefined, { DIR: '/srv/x y' }, { DIR: '/other' }]);
  });

  test('CRON_TZ is the time zone of what follows', () => {
    const { jobs } = read('@daily a\nCRON_TZ=Europe/Berlin\n@daily b');
    expect(jobs.map((job) => job.schedule?.timezone)).toEqual([undefined, 'Europe/Berlin']);
  });

  test("without CRON_TZ it is the machine's time zone, and TZ is for the command alone", () => {
    const { jobs } = read('TZ=Asia/Tokyo\n@daily a\nCRON_TZ=UTC\n@daily b', { timezone: 'Europe/Berlin' });
    expect(jobs.map((job) => job.schedule?.timezone)).toEqual(['Europe/Berlin', undefined]);
    expect(jobs[0]?.run?.env).toEqual({ TZ: 'Asia/Tokyo' });
  });

  test('SHELL runs what follows, in HOME', () => {
    const { jobs } = read('SHELL=/bin/bash\nHOME=/srv\n@daily shopt');
    expect(jobs[0]?.run).toEqual({
      argv: ['/bin/bash', '-c', 'shopt'],
      env: { HOME: '/srv' },
      workdir: '/srv',
    });
  });

  test.each([
    ['cat%Dear Ann,%it is', 'Dear Ann,\nit is\n'],
    ['cat%with a new line at its end%', 'with a new line at its end\n'],
    ['cat%', '\n'],
    ['true; cat%the whole line reads it', 'the whole line reads it\n'],
    ['cat; true%the first reads it, not the last', 'the first reads it, not the last\n'],
    ['cat # a comment%not part of it', 'not part of it\n'],
    ["cat%it's $HOME and `id`", "it's $HOME and `id`\n"],
    ['cat%CARILLON_INPUT%after', 'CARILLON_INPUT\nafter\n'],
    ['cat%100\\%', '100%\n'],
    ['echo 50\\%', '50%\n'],
    ['printf x\\\\\\y', 'x\\y'],
  ])('%s gets and prints what cron would hand it', (entry, printed) => {
    const { command } = read(`@daily ${entry}`).jobs[0]?.run ?? {};
    expect(execFileSync('/bin/sh', ['-c', command ?? ''], { encoding: 'utf8', input: '' })).toBe(printed);
  });

  test.each([
    ['/usr/local/bin/poll.sh >/dev/null 2>&1', 'poll.sh'],
    ['cd /srv/app && ./backup.sh --all > log.txt', 'backup.sh-all'],
    ['cd /tmp; find . -delete | wc -l', 'find-.-delete'],
    ['mail -s "daily report" root < /var/report', 'mail-s-daily'],
    ['cd /srv/app', 'cd-srv-app'],
    ['/bin/true &> /dev/null', 'true'],
  ])('%s gets the name %s', (command, name) => {
    expect(read(`@daily ${command}`).jobs.map((job) => job.name)).toEqual([name]);
  });

  test('equal names get a number', () => {
    expect(read('@daily run\n@daily run\n@hourly run').jobs.map((job) => job.name)).toEqual([
      'run',
      'run-2',
      'run-3',
    ]);
  });

  test('with a user column the sixth field is the user', () => {
    expect(read('0 1 * * * www-data /bin/clean', { userColumn: true }).jobs[0]?.run).toEqual({
      command: '/bin/clean',
      user: 'www-data',
    });
  });

  test('a mark of cronie for the log is no part of the schedule', () => {
    expect(read('-*/10 * * * * quiet').jobs[0]?.schedule?.cron).toBe('*/10 * * * *');
  });

  test('what has no counterpart is told with its line, and the rest is taken', () => {
    const { jobs, warnings, leftOut } = read(
      'MAILTO=me\n@reboot start\nnonsense\n99 * * * * late\n0 0 30 2 * never\n@daily fine',
    );
    expect(jobs.map((job) => job.name)).toEqual(['fine']);
    expect(warnings).toEqual(['crontab:1: MAILTO has no counterpart and is ignored']);
    expect(leftOut).toEqual([
      expect.stringMatching(/^crontab:2: @reboot/),
      expect.stringMatching(/^crontab:3: not a valid crontab line/),
      expect.stringMatching(/^crontab:4: .*99/),
      expect.stringMatching(/^crontab:5: /),
    ]);
  });

  test('the example gives jobs that are accepted', () => {
    const { jobs, warnings } = read(
      readFileSync(resolve(import.meta.dirname, '../../examples/crontab'), 'utf8'),
    );
    expect(jobs).toHaveLength(5);
    expect(warnings).toEqual(['crontab:5: MAILTO has no counterpart and is ignored']);
    for (const job of jobs) {
      checkDefinition(job, 'crontab');
      const { schedule } = job;
      if (schedule?.cron !== undefined)
        resolveSchedule({ ...schedule, cron: schedule.cron } as never, { hashSeed: job.name, now: 0 });
    }
  });
});

test('a line whose command no program can be given is left out, and says why', () => {
  const { jobs, leftOut } = importCrontab('0 1 * * * echo a\0b\n0 2 * * * echo c\n', {
    source: 'crontab',
    userColumn: false,
    seconds: false,
    users,
    timezone: 'UTC',
    nowMs: 0,
  });
  expect(jobs.map(({ definition }) => definition.run?.command)).toEqual(['echo c']);
  expect(leftOut).toEqual([
    'crontab:1: run.command contains a NUL (\\u0000) at position 7. Allowed: text without it.',
  ]);
});

describe('a crontab of another form is not read as one of the usual', () => {
  const refusal = (text: string, options = {}) => {
    try {
      read(text, options);
    } catch (error) {
      return (error as CarillonError).details;
    }
    return null;
  };

  test.each([
    '17 * * * * root cd / && run-parts --report /etc/cron.hourly',
    '*/5 * * * *\twww-data php cron.php',
    '@daily root backup --all',
  ])('%s asks for --user-column', (line) => {
    expect(refusal(line)).toMatchObject({ field: 'user-column', source: 'crontab:1' });
    expect(read(line, { userColumn: true }).jobs[0]?.run?.user).toMatch(/root|www-data/);
    expect(read(line, { userColumn: false }).jobs[0]?.run?.user).toBeUndefined();
  });

  test.each(['*/6 * * * * * echo hi', '0 0 2 * * 1-5 backup now', '0 */5 * * * ? report all'])(
    '%s asks for --seconds',
    (line) => {
      expect(refusal(line)).toMatchObject({ field: 'seconds', source: 'crontab:1' });
      const [job] = read(line, { seconds: true }).jobs;
      expect(job?.schedule?.cron?.split(' ')).toHaveLength(6);
      expect(job?.run?.command).toMatch(/^(echo hi|backup now|report all)$/);
    },
  );

  test.each(['* * * * * root', '0 2 * * * rooted --x', '* * * * * 7z a x', '# 17 * * * * root x'])(
    '%s is taken as it stands',
    (line) => {
      expect(refusal(line)).toBeNull();
    },
  );
});

test.each([
  '# m h  dom mon dow   command',
  '#m h dom mon dow command',
  '# m h dom mon dow user  command',
  '# min hour dom month dow command',
])('the heading %s describes no job', (line) => {
  expect(read(`# Backup\n${line}\n@daily a`).jobs[0]?.description).toBeUndefined();
  expect(read(`${line}\n# Backup\n@daily a`).jobs[0]?.description).toBe('Backup');
});

test('a % that cuts a command inside its quotes is told', () => {
  expect(read('@daily date "+%Y" > x').warnings).toEqual([
    'crontab:1: cron ends the command at the % inside its quotes, and so does this job; write \\% for a ' +
      'literal percent sign',
  ]);
  expect(read("@daily echo 'a%b'").warnings).toHaveLength(1);
  for (const line of ['date "+\\%Y"', 'cat%a "quote" b', 'echo "a" b', "echo it\\'s 5%"])
    expect([line, read(`@daily ${line}`).warnings]).toEqual([line, []]);
});
