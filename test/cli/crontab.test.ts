import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importCrontab } from '../../src/cli/crontab.ts';
import { checkDefinition } from '../../src/scheduler/check.ts';
import { resolveSchedule } from '../../src/scheduler/schedule/parse.ts';

const read = (text: string, userColumn = false) => importCrontab(text, { source: 'crontab', userColumn });

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

  test('a comment above a line describes it; an empty line in between does not', () => {
    const { jobs } = read('# Backup of all\n@daily one\n# A heading\n\n@daily two');
    expect(jobs.map((job) => job.description)).toEqual(['Backup of all', undefined]);
  });

  test('variables hold from where they stand on', () => {
    const { jobs } = read('@daily a\nDIR="/srv/x y"\n@daily b\nDIR=/other\n@daily c');
    expect(jobs.map((job) => job.run.env)).toEqual([undefined, { DIR: '/srv/x y' }, { DIR: '/other' }]);
  });

  test('CRON_TZ is the time zone of what follows', () => {
    const { jobs } = read('@daily a\nCRON_TZ=Europe/Berlin\n@daily b');
    expect(jobs.map((job) => job.schedule?.timezone)).toEqual([undefined, 'Europe/Berlin']);
  });

  test('% ends the command and begins its input, \\% is a percent sign', () => {
    expect(
      read('@daily mail ann%Dear Ann,%it is %\n@daily date +\\%F').jobs.map((job) => job.run.command),
    ).toEqual(["mail ann <<'CARILLON_INPUT'\nDear Ann,\nit is \n\nCARILLON_INPUT", 'date +%F']);
  });

  test('equal names get a number', () => {
    expect(read('@daily run\n@daily run\n@hourly run').jobs.map((job) => job.name)).toEqual([
      'run',
      'run-2',
      'run-3',
    ]);
  });

  test('with a user column the sixth field is the user', () => {
    expect(read('0 1 * * * www-data /bin/clean', true).jobs[0]?.run).toEqual({
      command: '/bin/clean',
      user: 'www-data',
    });
  });

  test('what has no counterpart is told with its line, and the rest is taken', () => {
    const { jobs, warnings } = read('MAILTO=me\n@reboot start\nnonsense\n@daily fine');
    expect(jobs.map((job) => job.name)).toEqual(['fine']);
    expect(warnings.map((warning) => warning.split(':').slice(0, 2).join(':'))).toEqual([
      'crontab:1',
      'crontab:2',
      'crontab:3',
    ]);
  });

  test('the example gives jobs that are accepted', () => {
    const { jobs, warnings } = read(
      readFileSync(resolve(import.meta.dirname, '../../examples/crontab'), 'utf8'),
    );
    expect(jobs).toHaveLength(5);
    expect(warnings).toEqual(['crontab:5: MAILTO has no counterpart and is left out']);
    for (const job of jobs) {
      checkDefinition(job, 'crontab');
      const { schedule } = job;
      if (schedule?.cron !== undefined)
        resolveSchedule({ ...schedule, cron: schedule.cron } as never, { hashSeed: job.name, now: 0 });
    }
  });
});
