/** Commands that get messages, as real processes. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { nasty, oneReceiver, opened, SecretFiles } from './harness.ts';

let files: SecretFiles;
beforeEach(() => {
  files = new SecretFiles();
});
afterEach(() => files.remove());

const command = (script: string, ...args: string[]) =>
  oneReceiver({ command: { argv: ['/bin/sh', '-c', script, 'sh', ...args] } });
const said = (name: string): string => readFileSync(join(files.dir, name), 'utf8');

describe('a command', () => {
  test('gets the message as JSON and in variables, and nothing else of the environment', async () => {
    await command('cat > "$1/in"; env > "$1/env"', files.dir).send(opened);
    expect(JSON.parse(said('in'))).toMatchObject({
      key: 'etl-load.failed.20261130T020304Z.1.tickets',
      since: '2026-11-30T02:03:04.000Z',
    });
    const names = [...said('env').matchAll(/^(\w+)=/gm)]
      .map(([, name]) => name)
      .filter((name) => !/^(_|PWD|OLDPWD|SHLVL)$/.test(name as string));
    expect(names.sort()).toEqual([
      'CARILLON_ALERT_KEY',
      'CARILLON_CONDITION',
      'CARILLON_JOB',
      'CARILLON_KEY',
      'CARILLON_LINK',
      'CARILLON_SEVERITY',
      'CARILLON_STEP',
      'CARILLON_TITLE',
      'HOME',
      'PATH',
    ]);
    expect(said('env')).toContain('CARILLON_ALERT_KEY=etl-load.failed.20261130T020304Z\n');
  });

  test('has no shell between it and its arguments', async () => {
    await oneReceiver({
      command: {
        argv: ['/usr/bin/env', 'sh', '-c', 'printf %s "$2" > "$1/arg"', 'sh', files.dir, '$(id); `id` "'],
      },
    }).send({ ...nasty, key: 'a\0b' });
    expect(said('arg')).toBe('$(id); `id` "');
  });

  test('need not read the message', async () => {
    await command('exec <&-; exit 0').send({ ...opened, labels: { long: 'x'.repeat(1_000_000) } });
  });

  test.each([
    ['exit 75', 'NOTIFICATION_FAILED', 'ended with exit code 75.'],
    [
      'echo first >&2; echo "no such user" >&2; exit 1',
      'NOTIFICATION_REFUSED',
      'ended with exit code 1: "no such user".',
    ],
    [
      'printf "\\033[31mred\\033[0m\\n\\n" >&2; exit 2',
      'NOTIFICATION_REFUSED',
      'ended with exit code 2: "red".',
    ],
    ['kill -KILL $$', 'NOTIFICATION_REFUSED', 'ended by a signal.'],
    ['echo out; exit 3', 'NOTIFICATION_REFUSED', 'ended with exit code 3.'],
  ])('%s is %s', async (script, code, words) => {
    await expect(command(script).send(opened)).rejects.toMatchObject({ code, message: `/bin/sh ${words}` });
  });

  test('that prints without end is read to its end, of which the last line counts', async () => {
    const error = await command('head -c 3000000 /dev/zero | tr "\\0" x >&2; exit 1')
      .send(opened)
      .catch((e) => e);
    expect(error.message).toMatch(/ended with exit code 1: "x+…"\.$/);
    expect(error.message.length).toBeLessThan(300);
  });

  test('that does not exist is refused', async () => {
    const receiver = oneReceiver({ command: { argv: [join(files.dir, 'nothing')] } });
    await expect(receiver.send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_REFUSED',
      message: expect.stringContaining('cannot be started (ENOENT).'),
    });
    await expect(receiver.notifier.start()).rejects.toMatchObject({ code: 'INVALID_FIELD' });
  });

  test('is killed with what it started after 30 seconds', async () => {
    const receiver = command('sleep 600 & echo $! > "$1/new"; mv "$1/new" "$1/pid"; wait', files.dir);
    const sending = receiver.send(opened).catch((problem) => problem);
    await until('it runs', () => existsSync(join(files.dir, 'pid')));
    await receiver.clock.advance(30_000);
    expect(await sending).toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: '/bin/sh did not end within 30 s.',
    });
    await until('its child has ended', () => hasEnded(Number(said('pid'))));
  });

  test('leaves nothing behind when it has ended', async () => {
    const receiver = command('sleep 600 & echo $! > "$1/pid"', files.dir);
    const sending = receiver.send(opened);
    await until('it has ended', async () => {
      await receiver.clock.advance(500);
      return existsSync(join(files.dir, 'pid')) && receiver.clock.monotonicMs() > 2_000;
    });
    await sending;
    await until('its child has ended', () => hasEnded(Number(said('pid'))));
  });

  test('is killed when the node stops', async () => {
    const receiver = command('echo $$ > "$1/new"; mv "$1/new" "$1/pid"; sleep 600', files.dir);
    const sending = receiver.send(opened).catch((problem) => problem);
    await until('it runs', () => existsSync(join(files.dir, 'pid')));
    await receiver.notifier.stop();
    expect(await sending).toMatchObject({ code: 'NOTIFICATION_FAILED' });
    await until('it has ended', () => hasEnded(Number(said('pid'))));
  });
});

/** Also where nobody has waited for it yet. */
function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}
