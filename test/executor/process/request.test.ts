import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loginPath } from '../../../src/executor/process/account.ts';
import { type Environment, processRequest } from '../../../src/executor/process/request.ts';
import { installSupervisor } from '../../../src/executor/supervisor/file.ts';
import { type LaunchSpec, plainContainer } from '../../../src/scheduler/job/spec.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { processSpec } from '../launch-spec.ts';

const root = process.getuid?.() === 0;

const requestOf = (
  spec: LaunchSpec,
  environment: Environment,
  supervisor: string | null = null,
  secretFolders: readonly string[] = [],
) => processRequest(spec, { environment, secrets: secretsFrom(), supervisor, secretFolders });

test.each<[string, Partial<LaunchSpec>, { code: string; field: string; value?: unknown }]>([
  [
    'a directory that does not exist',
    { workdir: '/no/dir' },
    { code: 'LAUNCH_REFUSED', field: 'run.workdir', value: '/no/dir' },
  ],
  [
    'a program that does not exist',
    { argv: ['no-such'] },
    { code: 'LAUNCH_REFUSED', field: 'run.argv.0', value: 'no-such' },
  ],
  ['a program that is a directory', { argv: ['/etc'] }, { code: 'LAUNCH_REFUSED', field: 'run.argv.0' }],
  [
    'a user that does not exist',
    { user: 'no-such' },
    { code: 'LAUNCH_REFUSED', field: 'run.user', value: 'no-such' },
  ],
  ['a user number without a group', { user: '4242424' }, { code: 'LAUNCH_REFUSED', field: 'run.user' }],
  [
    'a secret that is a directory',
    { secrets: { A: { file: '/etc' } } },
    { code: 'LAUNCH_REFUSED', field: 'run.secrets.A' },
  ],
  ['an image', { image: 'alpine' }, { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.image' }],
  [
    'a limit that the system does not have',
    { ulimits: [{ name: 'fo', soft: 1, hard: 1 }] },
    { code: 'LAUNCH_REFUSED', field: 'run.ulimits.fo' },
  ],
  ['processors of graphics', { gpus: 1 }, { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.resources.gpus' }],
  [
    'a network',
    { container: { ...plainContainer, networks: ['none'] } },
    { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.networks' },
  ],
  ['volumes', { volumes: ['a:/b'] }, { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.volumes' }],
])('refuses %s', async (_, overrides, { code, ...details }) => {
  const request = requestOf(processSpec('exit 0', overrides), {});
  await expect(request).rejects.toMatchObject({ code, details });
});

test('finds a program as a shell in the job’s directory would, by the job’s own PATH', async () => {
  const find = async (overrides: Partial<LaunchSpec>) =>
    (await requestOf(processSpec('', overrides), { PATH: '/usr/bin:/bin' })).argv;
  expect(await find({ argv: ['sh', 'a'], env: { PATH: '/nowhere:relative:/bin' } })).toEqual([
    '/bin/sh',
    'a',
  ]);
  expect(await find({ argv: ['./sh'], workdir: '/bin' })).toEqual(['/bin/sh']);
  await expect(find({ argv: ['sh'], env: { PATH: '/nowhere' } })).rejects.toMatchObject({
    code: 'LAUNCH_REFUSED',
  });
});

describe('a file that cannot be executed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-program-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string, mode: number): string => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
    return join(folder, name);
  };
  test.each<[string, () => string, RegExp]>([
    ['nothing', () => join(folder, 'nothing'), /^There is no program .*nothing to execute/],
    ['nothing below a file', () => '/etc/passwd/x', /^There is no program/],
    ['a file without execute permission', () => file('data', 'true', 0o644), /not executable \(mode 0644\)$/],
    ['a folder', () => folder, /cannot be executed: .* is a directory$/],
    ['a device', () => '/dev/null', /is not a regular file$/],
    [
      'a script of an interpreter that is missing',
      () => file('script', '#! /no/such/python -u\n', 0o755),
      /names the interpreter "\/no\/such\/python" in its first line, which does not exist$/,
    ],
    [
      'a script with line ends of Windows',
      () => file('windows', '#!/bin/sh\r\necho\r\n', 0o755),
      /interpreter "\/bin\/sh\\r" .* does not exist$/,
    ],
    [
      'a script of an interpreter without execute permission',
      () => file('plain', '#!/etc/passwd\n', 0o755),
      /interpreter "\/etc\/passwd" .* is not executable$/,
    ],
  ])('is told apart from a missing program: %s', async (_, make, message) => {
    const request = requestOf(processSpec('', { argv: [make()] }), {});
    await expect(request).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      details: { field: 'run.argv.0' },
      message: expect.stringMatching(message),
    });
  });

  test('is named when PATH leads to it, unless a later folder has the program', async () => {
    file('tool', 'true', 0o600);
    const find = (path: string) =>
      requestOf(processSpec('', { argv: ['tool'], env: { PATH: path } }), {}).then(({ argv }) => argv);
    await expect(find(`/nowhere:${folder}`)).rejects.toThrow(`${folder}/tool is not executable (mode 0600)`);
    const later = join(folder, 'later');
    mkdirSync(later);
    file('later/tool', 'true', 0o755);
    expect(await find(`${folder}:${later}`)).toEqual([join(later, 'tool')]);
  });

  test.runIf(root)('by the job’s user is refused with that user', async () => {
    const program = file('own', 'true', 0o700);
    const request = requestOf(processSpec('', { argv: [program], user: '4242:4242' }), {});
    await expect(request).rejects.toThrow(`${program} may not be executed by the user 4242:4242 (mode 0700)`);
  });
});

describe('the environment of another user', () => {
  const own = { PATH: '/secret/bin:/bin', HOME: '/root', USER: 'root', LANG: 'C', TOKEN: 'x' };
  const environment = async (user: string, env: Record<string, string> = {}) =>
    (await requestOf(processSpec('', { argv: ['/bin/sh'], user, env }), own)).env;

  test.runIf(root)('is that of a log-in, without anything of the scheduler’s', async () => {
    expect(await environment('nobody')).toEqual({
      PATH: loginPath(readFileSync('/etc/login.defs', 'utf8'), 65_534),
      HOME: '/nonexistent',
      USER: 'nobody',
      LOGNAME: 'nobody',
      SHELL: '/usr/sbin/nologin',
      LANG: 'C',
    });
    expect(await environment('4242:4242')).toEqual({
      PATH: expect.not.stringContaining('secret'),
      HOME: '/',
      LANG: 'C',
    });
    expect(await environment('nobody', { PATH: '/own', HOME: '/h' })).toMatchObject({
      PATH: '/own',
      HOME: '/h',
    });
  });

  test.runIf(root)('finds programs by that PATH', async () => {
    const request = requestOf(processSpec('', { argv: ['useradd'], user: '4242:4242' }), {
      PATH: '/usr/sbin',
    });
    await expect(request).rejects.toThrow('There is no program useradd');
  });

  test.each([
    ['ENV_PATH PATH=/a:/b\nENV_SUPATH\tPATH=/s\n', 1000, '/a:/b'],
    ['ENV_PATH PATH=/a:/b\nENV_SUPATH\tPATH=/s\n', 0, '/s'],
    ['  ENV_PATH   "/c"', 1000, '/c'],
    ['# ENV_PATH PATH=/a', 1000, '/usr/local/bin:/usr/bin:/bin'],
    ['', 0, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ])('takes PATH from login.defs %j for user %i', (definitions, uid, path) => {
    expect(loginPath(definitions, uid)).toBe(path);
  });
});

describe.each(['the supervisor', 'a child'])('a secret, read by %s', (by) => {
  let supervisor: string | null = null;
  beforeAll(async () => {
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    if (by === 'the supervisor') supervisor = await installSupervisor(folder, log);
  });
  const folder = mkdtempSync(join(tmpdir(), 'carillon-secret-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o711);
  const put = (name: string, mode: number): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'hidden\n');
    chmodSync(path, mode);
    return path;
  };
  const read = async (file: string, user: string | null, folders: string[] = []) =>
    (await requestOf(processSpec('true', { user, secrets: { A: { file } } }), {}, supervisor, folders)).env.A;

  test.runIf(root)('of another user is what that user may read', async () => {
    const file = put('own', 0o600);
    await expect(read(file, '4242:4343')).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      details: { field: 'run.secrets.A', value: file },
      message: expect.stringContaining('(EACCES), as the user 4242:4343 of the job; --secret-dir opens'),
    });
    expect(await read(file, null)).toBe('hidden');
    chownSync(file, 4242, 0);
    expect(await read(file, '4242:4343')).toBe('hidden');
    chownSync(file, 0, 4343);
    chmodSync(file, 0o040);
    expect(await read(file, '4242:4343')).toBe('hidden');
    // Another group than the job's, though the scheduler's user is in it.
    await expect(read(file, '4242:4242')).rejects.toThrow('EACCES');
  });

  test.runIf(root)(
    'of another user is not what lies in a closed folder, nor what a link leads to',
    async () => {
      const file = put('closed/file', 0o644);
      chmodSync(join(folder, 'closed'), 0o700);
      await expect(read(file, 'nobody')).rejects.toThrow('EACCES');
      symlinkSync('/etc/shadow', join(folder, 'link'));
      await expect(read(join(folder, 'link'), 'nobody')).rejects.toThrow('EACCES');
      await expect(read('/proc/1/environ', 'nobody')).rejects.toThrow('cannot be');
    },
  );

  test.runIf(root && process.platform === 'linux')(
    'of another user is not what only a capability of the scheduler reaches',
    async () => {
      put('shut/open/file', 0o644);
      chmodSync(join(folder, 'shut'), 0o700);
      const child = spawn('sleep', ['60'], { cwd: join(folder, 'shut/open') });
      try {
        await expect(read(`/proc/${child.pid}/cwd/file`, 'nobody')).rejects.toThrow('EACCES');
        expect(await read(`/proc/${child.pid}/cwd/file`, null)).toBe('hidden');
      } finally {
        child.kill();
      }
    },
  );

  test.runIf(root)('of another user may lie below a folder that is open to all jobs', async () => {
    const file = put('shared/..data/token', 0o400);
    const shared = join(folder, 'shared');
    symlinkSync('..data/token', join(shared, 'token'));
    symlinkSync(put('outside', 0o400), join(shared, 'outside'));
    expect(await read(join(shared, 'token'), 'nobody', ['/nowhere', shared])).toBe('hidden');
    await expect(read(file, 'nobody', [join(folder, 'shar')])).rejects.toThrow('EACCES');
    await expect(read(join(shared, 'outside'), 'nobody', [shared])).rejects.toThrow('EACCES');
    await expect(read(join(shared, '../outside'), 'nobody', [shared])).rejects.toThrow('EACCES');
  });

  test.runIf(process.platform === 'linux').each(root ? [null, 'nobody'] : [null])(
    'that opens and cannot be read is refused with its name, for the user %s',
    async (user) => {
      const file = '/sys/class/net/lo/speed';
      const link = join(folder, `speed-${user}`);
      symlinkSync(file, link);
      for (const path of [file, link])
        await expect(read(path, user)).rejects.toMatchObject({
          code: 'LAUNCH_REFUSED',
          details: { field: 'run.secrets.A', value: path },
          message: expect.stringContaining(`${path} cannot be read (EINVAL)`),
        });
    },
  );

  test.each(root ? [null, 'nobody'] : [null])(
    'that is a pipe, a device or too long is refused at once, for the user %s',
    async (user) => {
      const pipe = join(folder, `pipe-${user}`);
      execFileSync('mkfifo', ['-m', '666', pipe]);
      await expect(read(pipe, user)).rejects.toThrow('is not a file');
      await expect(read(pipe, user, [folder])).rejects.toThrow('is not a file');
      await expect(read('/dev/zero', user)).rejects.toThrow('is not a file');
      const long = put(`long-${user}`, 0o644);
      truncateSync(long, 1024 * 1024 + 1);
      await expect(read(long, user)).rejects.toThrow('is too long');
    },
  );
});
