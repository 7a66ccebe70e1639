/** The port as the core uses it: names, start, stop, and secrets that change. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { problemsIn } from '../../src/errors.ts';
import { createNotifier } from '../../src/notify/notifier.ts';
import type { Receivers } from '../../src/notify/schema.ts';
import { SimClock } from '../support/sim-clock.ts';
import { type HttpReceiver, opened, receiving, type SecretFiles } from './harness.ts';

let server: HttpReceiver;
let files: SecretFiles;
receiving((ownServer, ownFiles) => {
  server = ownServer;
  files = ownFiles;
});

const notifierOf = (receivers: Receivers) =>
  createNotifier(receivers, {
    ...{ clock: new SimClock(0), environment: {}, installation: () => 'one' },
    bare: (argv) => argv,
  });

describe('a notifier', () => {
  test('knows the names of its receivers, and refuses others', async () => {
    const notifier = notifierOf({ a: { webhook: { url: server.url } }, b: { command: { argv: ['true'] } } });
    await notifier.start();
    expect([...notifier.receivers]).toEqual(['a', 'b']);
    await notifier.send('a', opened);
    await expect(notifier.send('constructor', opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_REFUSED',
      message: 'There is no receiver constructor.',
    });
  });

  test('reads a secret for each message', async () => {
    const notifier = notifierOf({ a: { slack: { urlFile: files.write('url', `${server.url}/old`) } } });
    await notifier.send('a', opened);
    files.write('url', `${server.url}/new\nanything below it\n`);
    await notifier.send('a', opened);
    expect(server.received.map(({ url }) => url)).toEqual(['/old', '/new']);
  });

  test.each([
    ['nothing', ''],
    ['no URL', 'hunter2'],
    ['another kind of URL', 'file:///etc/hunter2'],
    ['a line that is too long', `http://example.com/hunter2${'x'.repeat(5_000)}`],
    ['characters that no header can have', 'http://example.com/hunter2\u0000'],
  ])('does not start with %s in a file of a secret, and tries again later while it runs', async (_, text) => {
    const file = files.write('url', text);
    const notifier = notifierOf({ a: { slack: { urlFile: file } } });
    const start = await notifier.start().catch((problem) => problem);
    expect(start).toMatchObject({ code: 'INVALID_FIELD', details: { field: 'receivers.a', value: file } });
    expect(start.message).toMatch(/^receivers\.a: .*Allowed: .*\.$/);
    const sent = await notifier.send('a', opened).catch((problem) => problem);
    expect(sent.code).toBe('NOTIFICATION_FAILED');
    expect(JSON.stringify([start.message, start.details, sent.message, sent.details])).not.toContain(
      'hunter2',
    );
  });

  test('has other receivers from one moment on, if all of them can be used', async () => {
    const notifier = notifierOf({ a: { webhook: { url: server.url } } });
    const broken = notifier.use({
      b: { slack: { urlFile: '/nothing/b' } },
      c: { slack: { urlFile: '/nothing/c' } },
    });
    const problem = await broken.catch((error) => error);
    expect(problemsIn(problem).map(({ details }) => details.field)).toEqual(['receivers.b', 'receivers.c']);
    expect([...notifier.receivers]).toEqual(['a']);
    await notifier.use({ d: { webhook: { url: server.url } } });
    await notifier.send('d', opened);
    await expect(notifier.send('a', opened)).rejects.toMatchObject({ code: 'NOTIFICATION_REFUSED' });
    expect(server.received).toHaveLength(1);
  });

  test('does not start with a file that is missing or no file', async () => {
    const keyAt = (path: string) => notifierOf({ a: { webhook: { url: server.url, secretFile: path } } });
    await expect(keyAt('/nothing/key').start()).rejects.toThrow('/nothing/key: it cannot be read (ENOENT).');
    const pipe = join(files.dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(keyAt(pipe).start()).rejects.toThrow('it cannot be read (it is not a file).');
    await expect(keyAt('/dev/zero').start()).rejects.toThrow(
      '/dev/zero: it cannot be read (it is not a file).',
    );
  });
});
