/** The command line against the real program: what people type, what they read, and how scripts see it end. */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, type Said } from '../support/command-line.ts';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
let server: Server;

beforeAll(async () => {
  server = await Server.start(join(dir, 'data'));
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

function carillon(
  args: string | readonly string[],
  { stdin = '', url = server.url, confirm }: { stdin?: string; url?: string; confirm?: boolean } = {},
): Promise<Said> {
  return runCommand(typeof args === 'string' ? args.split(' ') : args, {
    ...{ url, sleep, stdin: async () => stdin },
    ...(confirm !== undefined && { confirm: async () => confirm }),
  });
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

describe('job files', () => {
  const yaml = `
name: parent
labels: { team: x }
run: { command: "echo from $WHO; exit \${CODE:-0}" }
---
name: child
labels: { team: x }
schedule: { after: { parents: [parent] } }
run: { command: echo child }
`;

  test('validate says what is wrong, where, and what is allowed, and ends with 2', async () => {
    const path = file('bad.yaml', 'name: a\nrun: { command: x }\n---\nname: b\nrun: { comand: x }\n');
    const { code, err, out } = await carillon(`validate ${path}`);
    expect(code).toBe(2);
    expect(err).toContain('Unknown field run.comand. Did you mean run.command?');
    expect(err).toMatch(/where +.*bad\.yaml:5:8/);
    expect(out).toContain('2 jobs');
  });

  test('validate and apply tell every problem of each job once, and every file that cannot be read', async () => {
    const both = file(
      'both.yaml',
      'name: many\nrunn: 1\nrun: { command: x }\npolicy: { timeout: 5 }\nschedule: { cron: "99 * * * *" }\n',
    );
    const torn = [file('torn1.yaml', 'name: "a\n'), file('torn2.yaml', 'name: [a\n')];
    const places = [/both\.yaml:2:1/, /both\.yaml:4:11/, /both\.yaml:5:13/];
    const checked = await carillon(`validate ${torn[0]} ${both} ${torn[1]}`);
    expect(checked.code).toBe(2);
    expect(checked.out).toBe('1 job, 5 problems\n');
    for (const place of [/torn1\.yaml/, /torn2\.yaml/, ...places])
      expect(checked.err.match(new RegExp(place, 'g'))).toHaveLength(1);
    const applied = await carillon(`apply -f ${both}`);
    expect([applied.code, applied.out]).toEqual([1, '1 refused\n']);
    for (const place of places) expect(applied.err.match(new RegExp(place, 'g'))).toHaveLength(1);
    const unread = await carillon(`apply -f ${torn[0]} -f ${both} -f ${torn[1]}`);
    expect([unread.code, unread.out]).toEqual([2, '']);
    expect(unread.err.match(/^error: .*torn\d\.yaml/gm)).toHaveLength(2);
    const { others } = JSON.parse((await carillon(`apply --json -f ${torn[0]} -f ${torn[1]}`)).err);
    expect(others).toMatchObject([{ code: 'INVALID_BODY', detail: expect.stringContaining('torn2.yaml') }]);
  });

  test('apply creates, then finds nothing to change; a dry run shows the difference', async () => {
    const path = file('jobs.yaml', yaml);
    expect((await carillon(`apply -f ${path}`)).out).toBe('created parent\ncreated child\n2 created\n');
    expect((await carillon(`apply -f ${path}`)).out).toBe('2 unchanged\n');
    const changed = file('changed.yaml', yaml.replace('echo child', 'echo changed'));
    const { out } = await carillon(`apply -f ${changed} --dry-run`);
    expect(out).toBe(
      'changed child\n  ~ run.command: echo child → echo changed\n1 changed, 1 unchanged (dry run: nothing was changed)\n',
    );
  });

  test('apply from standard input names a refused job, and ends with 1', async () => {
    const { code, err } = await carillon('apply -f -', {
      stdin: 'name: orphan\nschedule: { after: { parents: [nobody] } }\nrun: { command: x }\n',
    });
    expect(code).toBe(1);
    expect(err).toContain("rejected orphan: The parent 'nobody' of 'orphan' does not exist");
    expect(err).toMatch(/where +standard input:2:22/);
  });

  test('a second server on the port says so, without a stack, and ends', async () => {
    const { port } = new URL(server.url);
    const second = Server.start(join(dir, 'second'), ['--port', port]);
    await expect(second).rejects.toThrow(
      `Cannot listen on 127.0.0.1 port ${port}: another process already listens there.`,
    );
    await expect(second).rejects.not.toThrow(/\n +at /);
    const elsewhere = Server.start(join(dir, 'second'), ['--host', '192.0.2.1', '--insecure-http']);
    await expect(elsewhere).rejects.toThrow('this host does not have the address');
    const nowhere = Server.start('/proc/nowhere/data');
    await expect(nowhere).rejects.toThrow('The data directory /proc/nowhere/data cannot be written: ');
  });

  test('apply --prune --label deletes what is gone of that label only', async () => {
    await carillon('apply -f -', {
      stdin: 'name: other\nrun: { command: x }\n---\nname: old\nlabels: { team: x }\nrun: { command: x }\n',
    });
    const { out } = await carillon(`apply -f ${file('jobs.yaml', yaml)} --prune --label team=x`);
    expect(out).toBe(
      'deleted old\n1 deleted, 2 unchanged\n'.replace('1 deleted, 2 unchanged', '2 unchanged, 1 deleted'),
    );
    expect((await carillon('jobs other --json')).code).toBe(0);
  });

  test('apply --prune deletes nothing where the files have no jobs, or most of what is there without --yes', async () => {
    const team = '--prune --label team=kept';
    const labels = 'labels: { team: kept }';
    const jobs = ['k1', 'k2', 'k3'].map((name) => `name: ${name}\n${labels}\nrun: { command: x }\n`);
    await carillon('apply -f -', { stdin: jobs.join('---\n') });
    mkdirSync(join(dir, 'empty'));
    for (const [args, stdin] of [
      [`-f ${join(dir, 'empty')}`, ''],
      ['-f -', ''],
      ['-f -', '# nothing\n'],
      ['-f -', 'jobs: []\n'],
    ] as const) {
      const { code, err } = await carillon(`apply ${args} ${team}`, { stdin });
      expect([args, code]).toEqual([args, 2]);
      expect(err).toContain('so --prune would delete all');
    }
    const most = { stdin: jobs[0] as string };
    const refused = await carillon(`apply -f - ${team}`, most);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('--prune would delete 2 of 3 jobs. Nothing was changed.');
    expect((await carillon(`apply -f - ${team}`, { ...most, confirm: false })).code).toBe(2);
    expect((await carillon(`apply -f - ${team} --dry-run`, most)).out).toContain('2 deleted');
    const half = { stdin: jobs.slice(0, 2).join('---\n') };
    expect((await carillon(`apply -f - ${team}`, half)).out).toContain('1 deleted');
    expect((await carillon(`apply -f - ${team} --allow-empty`, { stdin: '', confirm: true })).out).toContain(
      '2 deleted',
    );
    await carillon('apply -f -', most);
    expect((await carillon(`apply -f - ${team} --allow-empty --yes`, { stdin: '' })).out).toContain(
      '1 deleted',
    );
  });

  test('apply names a job without a name, and tells a cycle once for each job', async () => {
    const nameless = await carillon('apply -f -', { stdin: 'run: { command: x }\n' });
    expect(nameless.err).toContain('rejected a job without a name: name is missing.');
    const child = (name: string, parent: string) =>
      `name: ${name}\nschedule: { after: { parents: [${parent}] } }\nrun: { command: x }\n`;
    const { err } = await carillon('apply -f -', { stdin: `${child('c1', 'c2')}---\n${child('c2', 'c1')}` });
    expect(err).toContain('rejected c2: The jobs depend on each other: c1 → c2 → c1.');
    expect(err).not.toContain('names');
  });

  test('export writes what apply takes', async () => {
    const path = join(dir, 'export.yaml');
    await carillon(`export --label team=x -o ${path}`);
    expect((await carillon(`apply -f ${path}`)).out).toBe('2 unchanged\n');
    expect(readFileSync(path, 'utf8')).toContain('name: child');
    await carillon(`export --label team=x -o ${join(dir, 'jobs')}/`);
    expect(readFileSync(join(dir, 'jobs', 'child.yaml'), 'utf8')).toContain('name: child');
    expect((await carillon(`apply -f ${join(dir, 'jobs')}`)).out).toBe('2 unchanged\n');
    const { out } = await carillon('export child');
    expect(out).toContain('name: child');
    expect(out).not.toContain('name: parent');
    expect((await carillon('export child nope')).code).toBe(1);
  });

  test('import crontab shows YAML, and submits it when told', async () => {
    const crontab = resolve(import.meta.dirname, '../../examples/crontab');
    const shown = await carillon(`import crontab ${crontab}`);
    expect(shown.out).toContain('cron: "*/15 * * * *"');
    expect(shown.err).toContain('MAILTO');
    expect((await carillon(`import crontab ${crontab} --apply`)).out).toContain('5 created');
    expect((await carillon('jobs echo-open')).out).toContain('America/New_York');
  });
});

describe('runs', () => {
  test('run --wait ends with 0 after a success, shows the run, and its logs are there', async () => {
    const { code, out } = await carillon('run parent --param WHO=here --wait');
    expect({ code, succeeded: out.includes('succeeded') }).toEqual({ code: 0, succeeded: true });
    expect((await carillon('logs parent')).out).toBe('from here\n');
    for (const how of ['--timestamps', '-f -t']) {
      expect((await carillon(`logs parent ${how}`)).out).toMatch(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z from here\n$/,
      );
    }
  });

  test('run --wait ends with 1 after a failure, and with 4 when the time is over', async () => {
    expect((await carillon('run parent --param CODE=3 --wait')).code).toBe(1);
    await carillon('apply -f -', { stdin: 'name: slow\nrun: { command: "echo begun; exec sleep 30" }\n' });
    const { code, out } = await carillon('run slow --wait --timeout 1 --json');
    expect(code).toBe(4);
    const { id } = JSON.parse(out) as { id: string };
    const followed = carillon(`logs -f ${id}`);
    expect((await carillon(`kill ${id}`)).code).toBe(0);
    expect((await followed).out).toBe('begun\n');
    expect((await carillon(`runs ${id}`)).out).toContain(`killed by ${userInfo().username}`);
  });

  test('run --wait ends with a code for what became of the run', async () => {
    const jobs = [
      'name: once\nrun: { command: exec sleep 30 }\npolicy: { overlap: skip }',
      'name: brief\nrun: { command: exec sleep 30 }\npolicy: { timeout: PT1S, killAfter: PT1S }',
    ];
    await carillon('apply -f -', { stdin: jobs.join('\n---\n') });
    const first = carillon('run once --wait');
    const { out } = await eventually(
      () => carillon('runs --job once --state running --json'),
      (said) => (JSON.parse(said.out) as unknown[]).length === 1,
    );
    const skipped = await carillon('run once --wait');
    expect(skipped.code).toBe(5);
    expect(skipped.out).toContain('skipped');
    const [{ id }] = JSON.parse(out) as [{ id: string }];
    await carillon(`kill ${id}`);
    expect((await first).code).toBe(6);
    expect((await carillon('run brief --wait')).code).toBe(7);
  });

  test('run with several names or a label starts them in order, and --dry-run only shows how', async () => {
    await carillon('apply -f -', {
      stdin: [
        'name: first\nlabels: { set: ordered }\nrun: { command: "true" }',
        'name: second\nlabels: { set: ordered }\nschedule: { after: { parents: [first] } }\nrun: { command: "true" }\n',
      ].join('\n---\n'),
    });
    const dry = await carillon('run --label set=ordered --dry-run');
    expect(dry.out).toMatch(/first +at once +–/);
    expect(dry.out).toMatch(/second +after first +–/);
    expect((await carillon('runs --job first')).out).toBe('no runs\n');
    expect((await carillon('run second first')).out).toMatch(/first +at once +first\.\S+ \w+/);
    await eventually(
      () => carillon('runs --job second --json').then(({ out }) => JSON.parse(out) as { state: string }[]),
      ([run]) => run?.state === 'succeeded',
    );
    expect((await carillon('run')).code).toBe(2);
    expect((await carillon('run first second --wait')).err).toContain('--wait is for a run of a single job');
    expect((await carillon('run first nobody')).err).toContain(
      "There is no job named 'nobody', so no job was started",
    );
  });

  test('output that was cut is said to be: by runs, and by logs beside the output', async () => {
    await carillon('apply -f -', { stdin: 'name: wordy\nrun: { command: seq 1 3000000 }\n' });
    const { id } = JSON.parse((await carillon('run wordy --wait --json')).out) as { id: string };
    const { out, err } = await carillon('logs wordy');
    const [, bytes] = /\n\[carillon: ([\d,]+) bytes of output were dropped here\]\n/.exec(out) ?? [];
    expect(bytes).toMatch(/,/);
    expect([out.startsWith('1\n2\n'), out.endsWith('\n3000000\n')]).toEqual([true, true]);
    expect(err).toBe(`This output is incomplete: ${bytes} bytes were dropped.\n`);
    expect((await carillon(`runs ${id}`)).out).toMatch(
      new RegExp(`output cut +${bytes} bytes were dropped .attempt 1.`),
    );
    expect((await carillon('logs wordy --tail 1')).err).toBe('');
    const { out: found, code } = await carillon('logs --job wordy --grep 2999999 -C 1');
    expect(code).toBe(0);
    expect(found).toMatch(/^wordy\.\S+, attempt 1, stdout\n\d+- 2999998\n\d+: 2999999\n\d+- 3000000\n$/);
    expect((await carillon('logs wordy --grep nothing')).code).toBe(1);
    expect((await carillon(`runs ${id}`)).out).toMatch(
      /ATTEMPT +ENGINE +STARTED \(UTC\) +TOOK +CPU +MEMORY +READ +WRITTEN +CODE.* \d+(\.\d)? MiB /s,
    );
  });

  test('runs lists the newest first, by job and state', async () => {
    const { out } = await carillon('runs --job parent --state failed --json');
    const runs = JSON.parse(out) as { state: string }[];
    expect(runs.map((run) => run.state)).toEqual(['failed']);
    expect((await carillon('runs --job parent')).out.split('\n')[0]).toMatch(/^RUN +STATE +DUE/);
  });

  test('rerun repeats an ended run', async () => {
    const [run] = JSON.parse((await carillon('runs --job parent --state failed --json')).out) as {
      id: string;
    }[];
    expect((await carillon(`rerun ${run?.id} --wait`)).code).toBe(1);
  });

  test.each(['rerun', 'kill'])(
    '%s of a job says that it takes a run, and how to find one',
    async (command) => {
      const { code, err } = await carillon(`${command} parent`);
      expect([code, err]).toEqual([1, expect.stringContaining("'parent' is a job, not a run.")]);
      expect(err).toContain('`carillon runs --job parent` lists them');
      expect((await carillon(`${command} nothing`)).err).toContain('does not exist');
    },
  );

  test('a job shows why its last run was skipped', async () => {
    expect((await carillon('jobs child')).out).toMatch(/last +skipped .* \(parent parent failed \(parent\./);
  });
});

describe('jobs', () => {
  test('graph draws the tree, stats the percentiles, next the instants, revisions the changes', async () => {
    expect((await carillon('graph')).out).toMatch(/parent {2}\w+\n└─ child/);
    expect((await carillon('graph --dot')).out).toContain('"parent" -> "child"');
    expect((await carillon('stats parent')).out).toMatch(/run time +\d+ +\d+ms/);
    expect((await carillon('next --every R2/2030-01-01T00:00:00Z/P1D')).out).toBe(
      'every day, 2 times, from 2030-01-01 00:00 (UTC)\n  Tue 2030-01-01 00:00:00 +00:00\n  Wed ' +
        '2030-01-02 00:00:00 +00:00\n  and none after that\n',
    );
    expect((await carillon('next child')).out).toBe('after parent (all-succeeded)\n  no due time ahead\n');
    await carillon('apply -f -', { stdin: 'name: other\nrun: { command: y }\n' });
    expect((await carillon('revisions other --diff')).out).toContain('~ run.command: x → y');
    await carillon('restore other 1');
    expect((await carillon('jobs other --json')).out).toContain('"command": "x"');
  });

  test('pause, resume and delete say what they did; a parent is not deleted by accident', async () => {
    expect((await carillon('pause parent')).out).toBe('parent is paused\n');
    expect((await carillon('resume parent')).out).toBe('parent is active\n');
    const refused = await carillon('delete parent');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/allowed +cascade, detach/);
    expect((await carillon('delete parent --dependents cascade')).out).toBe('deleted parent, child\n');
  });

  test('status tells who leads and which engines there are', async () => {
    expect((await carillon('status')).out).toMatch(/leader +.*pid \d+[\s\S]*process +reachable/);
  });

  test('engines tells how full they are and how fast they start', async () => {
    const { out, code } = await carillon('engines');
    expect(code).toBe(0);
    expect(out).toMatch(/^ENGINE +STATE +RUNNING +QUEUED.*\nprocess +reachable +\d+ of 64 +0 /);
    const { engines, pools } = JSON.parse((await carillon('engines --json')).out);
    expect(engines[0]).toMatchObject({ name: 'process', capacity: { attempts: 64 } });
    expect(pools).toEqual([]);
  });
});

describe('completion', () => {
  beforeAll(async () => {
    const stdin = ['zoo-daily', 'zoo-hourly'].map((name) => `name: ${name}\nrun: { command: exit 0 }`);
    await carillon('apply -f -', { stdin: stdin.join('\n---\n') });
    await carillon('run zoo-daily --wait');
  });

  const complete = async (...words: string[]) => {
    const { out, code } = await carillon(['complete', '--', ...words]);
    expect(code).toBe(0);
    return out.split('\n').filter((line) => line !== '');
  };

  test.each([
    [
      'a command',
      ['compl'],
      ['completion\tprint a script with which a shell completes commands, options, jobs and runs'],
    ],
    ['a choice', ['completion', 'z'], ['zsh']],
    ['a command below another', ['chronos-no', ''], []],
    ['an option', ['jobs', '--sta'], [expect.stringMatching(/^--state\tactive, paused/)]],
    ['a file behind an option', ['apply', '-f', ''], [':']],
    ['a file', ['validate', ''], [':']],
    ['a job', ['jobs', 'zoo-d'], ['zoo-daily']],
    ['a second job', ['pause', 'zoo-daily', 'zoo-h'], ['zoo-hourly']],
    ['a job behind an option', ['runs', '--job', 'zoo-'], ['zoo-daily', 'zoo-hourly']],
    ['nothing of the server for what is no job', ['token', 'create', 'zoo'], []],
  ])('suggests %s', async (_, words, suggested) => {
    expect(await complete(...words)).toEqual(suggested);
  });

  test('suggests runs, newest first, and nothing where no server answers', async () => {
    const runs = await complete('rerun', 'zoo-daily.');
    expect(runs).toHaveLength(1);
    const { out, err } = await carillon(['complete', '--', 'rerun', ''], { url: 'http://127.0.0.1:1' });
    expect({ out, err }).toEqual({ out: '', err: '' });
  });

  test('bash completes with the script that is printed, and evaluates nothing that is typed', async () => {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const [node, main] = program;
    const run = `#!/bin/sh\nexec '${node}' '${main}' "$@"\n`;
    writeFileSync(join(bin, 'carillon'), run, { mode: 0o755 });
    const press = `source <(carillon completion bash)
press() { COMP_WORDS=(carillon "$@"); COMP_CWORD=$#; _carillon 2>/dev/null; echo "\${COMPREPLY[*]}"; }
press jobs zoo-d
press jobs '$(touch ${join(dir, 'evaluated')})'
press completion ''`;
    const { stdout } = await promisify(execFile)('bash', ['-c', press], {
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, CARILLON_URL: server.url },
    });
    expect(stdout).toBe('zoo-daily\n\nbash zsh fish\n');
    expect(existsSync(join(dir, 'evaluated'))).toBe(false);
  }, 60_000);
});

describe('what is wrong', () => {
  test.each([
    ['a name that is not there', 'jobs nope', 1, 'JOB_NOT_FOUND'],
    ['a name with a mistake', 'jobs zoo-dialy', 1, "Did you mean 'zoo-daily'?"],
    ['a job to pause, with a mistake', 'pause zoo-dialy', 1, "Did you mean 'zoo-daily'?"],
    ['names beside a label', 'export parent --label team=x', 2, 'names of jobs alone'],
    ['an unknown command', 'jbos', 2, 'Did you mean jobs?'],
    ['an unknown flag', 'jobs --lable x', 2, 'Did you mean --label?'],
    ['a filter that is not allowed', 'jobs --state sleeping', 2, 'INVALID_FIELD'],
    ['a parameter without a value', 'run parent --param X', 2, 'NAME=value'],
    ['a bad expression', 'next --cron nonsense', 2, 'INVALID_SCHEDULE'],
    ['an expression in the place of a job', 'next @daily', 2, 'after --cron, --every or --at'],
  ])('%s', async (_, args, code, words) => {
    const said = await carillon(args);
    expect(said.err).toContain(words);
    expect(said.code).toBe(code);
  });

  test('no server: 3, and how to say where it is', async () => {
    const { code, err } = await carillon('jobs', { url: 'http://127.0.0.1:1' });
    expect(code).toBe(3);
    expect(err).toContain('CARILLON_URL');
  });

  test('help lists the commands and the exit codes, and the version is told', async () => {
    const { out, code } = await carillon('--help');
    expect(code).toBe(0);
    for (const word of ['serve', 'apply', 'runs', 'import', 'Exit codes']) expect(out).toContain(word);
    expect((await carillon('serve --help')).out).toContain('--data-dir');
    expect((await carillon('--version')).out).toBe('1.2.3\n');
  });
});

test('a misspelt command of alerts is told from a job, and a mute names its own option', async () => {
  expect(await carillon('alerts outbx')).toMatchObject({
    code: 1,
    err: expect.stringContaining("There is no job named 'outbx'. Did you mean carillon alerts outbox?"),
  });
  expect((await carillon('alerts nothing-like-it')).err).not.toContain('Did you mean carillon');
  expect(await carillon('mute a --for P400D --reason x')).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /'--for <duration>' argument 'P400D' is invalid\. Allowed: .*at most 366 days/,
    ),
  });
  expect((await carillon('mute a --for P366D --reason x')).err).toContain("There is no job named 'a'.");
});
