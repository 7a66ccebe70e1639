/** Mails, through a real SMTP server with TLS and a login. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MailSettings } from '../../src/notify/schema.ts';
import { until } from '../support/until.ts';
import { nasty, oneReceiver, opened, repeated, resolved, SecretFiles, steps } from './harness.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const password = 'hunter2-hunter2';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string | undefined;
  readonly text: string;
}

/** What the server answers in place of accepting; null: it accepts. */
type Verdict = (stage: 'from' | 'to' | 'data' | 'login', text: string) => [code: number, text: string] | null;

describe.skipIf(!hasOpenssl)('a mail', () => {
  let files: SecretFiles;
  let server: SMTPServer;
  let mails: Mail[];
  let verdict: Verdict;
  let settings: MailSettings;

  beforeAll(() => {
    files = new SecretFiles();
    const file = (name: string): string => join(files.dir, name);
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
        ...[
          '-addext',
          'subjectAltName=DNS:localhost,IP:127.0.0.1',
          '-keyout',
          file('key.pem'),
          '-out',
          file('ca.pem'),
        ],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    files.write('password', `${password}\n`);
  });
  afterAll(() => files.remove());

  const start = async (options: object = {}): Promise<number> => {
    const problem = (...asked: Parameters<Verdict>): Error | null => {
      const answer = verdict(...asked);
      return answer === null ? null : Object.assign(new Error(answer[1]), { responseCode: answer[0] });
    };
    server = new SMTPServer({
      key: readFileSync(join(files.dir, 'key.pem')),
      cert: readFileSync(join(files.dir, 'ca.pem')),
      authMethods: ['PLAIN', 'LOGIN'],
      onAuth: ({ username, password: given }, _, done) => {
        const refusal = problem('login', given ?? '');
        if (refusal !== null) done(refusal);
        else if (username === 'carillon' && given === password) done(null, { user: username });
        else done(Object.assign(new Error(`Who is ${given}?`), { responseCode: 535 }));
      },
      onMailFrom: ({ address }, _, done) => done(problem('from', address)),
      onRcptTo: ({ address }, _, done) => done(problem('to', address)),
      onData: async (stream, { envelope, secure, user }, done) => {
        let text = '';
        for await (const chunk of stream.setEncoding('utf8')) text += chunk;
        const refusal = problem('data', text);
        if (refusal !== null) return done(refusal);
        const { mailFrom, rcptTo } = envelope;
        const from = mailFrom === false ? '' : (mailFrom?.address ?? '');
        mails.push({
          from,
          to: rcptTo.map(({ address }) => address),
          secure,
          user: user as string | undefined,
          text,
        });
        done();
      },
      ...options,
    });
    // A client that goes away is no fault of the test.
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return (server.server.address() as AddressInfo).port;
  };

  beforeEach(async () => {
    mails = [];
    verdict = () => null;
    settings = {
      to: ['ops@example.com', 'Night shift <night@example.com>'],
      from: 'Carillon <carillon@example.org>',
      host: '127.0.0.1',
      port: await start(),
      user: 'carillon',
      passwordFile: join(files.dir, 'password'),
      caFile: join(files.dir, 'ca.pem'),
    };
  });
  afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

  const mailTo = (more: Partial<MailSettings> = {}) => oneReceiver({ mail: { ...settings, ...more } });
  const headerOf = ({ text }: Mail, name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, 'mi').exec(text.split('\r\n\r\n', 1)[0] as string)?.[1];

  test('is plain text and simple HTML, encrypted and with a login', async () => {
    for (const message of Object.values(steps)) await mailTo().send(message);
    expect(mails[0]).toMatchObject({
      from: 'carillon@example.org',
      to: ['ops@example.com', 'night@example.com'],
      secure: true,
      user: 'carillon',
    });
    const texts = mails.map(({ text }) => text.replaceAll('\r\n', '\n'));
    await expect(texts.join('\n================\n\n')).toMatchFileSnapshot('snapshots/mail.txt');
  });

  test('belongs to the thread of its alert, and a repetition of it is the same mail', async () => {
    for (const message of [opened, opened, repeated, resolved]) await mailTo().send(message);
    const ids = mails.map((mail) => headerOf(mail, 'Message-ID'));
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    const threads = mails.map((mail) => [headerOf(mail, 'References'), headerOf(mail, 'In-Reply-To')]);
    expect(new Set(threads.flat()).size).toBe(1);
    await mailTo().send({ ...opened, alertKey: 'another' });
    expect(headerOf(mails.at(-1) as Mail, 'References')).not.toBe(threads[0]?.[0]);
    expect(mails.map(({ text }) => text)[1]).toBe(mails[0]?.text);
  });

  test('gets no header and no markup from a text', async () => {
    await mailTo().send(nasty);
    const [mail] = mails as [Mail];
    const [head = '', body = ''] = [mail.text.split('\r\n\r\n', 1)[0], mail.text];
    const names = head.split('\r\n').flatMap((line) => /^([\w-]+):/.exec(line)?.[1] ?? []);
    expect(names.sort()).toEqual([
      ...['Auto-Submitted', 'Content-Type', 'Date', 'From', 'In-Reply-To', 'MIME-Version', 'Message-ID'],
      ...['References', 'Subject', 'To', 'X-Carillon-Key'],
    ]);
    expect(mail.to).toEqual(['ops@example.com', 'night@example.com']);
    const html = body.slice(body.indexOf('Content-Type: text/html')).replaceAll('=\r\n', '');
    expect(html).not.toContain('<script');
    expect(html).toContain('&lt;/pre&gt;&lt;script&gt;alert(2)');
    expect(html).toContain('href=3D"https://carillon.example.com/jobs/x?a=3D%22%3E%3Cscript%3E|b"');
    expect(body.length).toBeLessThan(200_000);
  });

  test('is sent over TLS from the first byte, or without, if the file says so', async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await mailTo({ tls: 'implicit', port: await start({ secure: true }) }).send(opened);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const port = await start({ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] });
    const { to = [], from, host } = settings;
    await oneReceiver({ mail: { to, from, host, port, tls: 'none' } }).send(opened);
    expect(mails.map(({ secure }) => secure)).toEqual([true, false]);
  });

  test('is not sent where encryption is wanted and not offered, or not trusted', async () => {
    await expect(mailTo({ caFile: undefined } as never).send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: expect.stringMatching(
        /^The mail server 127\.0\.0\.1:\d+ cannot be used: ".*certificate.*"\.$/,
      ),
    });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const port = await start({ authOptional: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    const error = await mailTo({ port })
      .send(opened)
      .catch((problem) => problem);
    expect(error.message).toMatch(/^The mail server /);
    expect(mails).toEqual([]);
  });

  test.each(['from', 'to', 'data', 'login'] as const)(
    'is refused or tried again by what the server says at %s',
    async (at) => {
      verdict = (stage) => (stage === at ? [550, 'no such user'] : null);
      const { host, port } = settings;
      await expect(mailTo().send(opened)).rejects.toMatchObject({
        code: 'NOTIFICATION_REFUSED',
        message: `The mail server ${host}:${port} responded: "550 no such user".`,
      });
      verdict = (stage) => (stage === at ? [451, 'later'] : null);
      await expect(mailTo().send(opened)).rejects.toMatchObject({
        code: 'NOTIFICATION_FAILED',
        message: `The mail server ${host}:${port} responded: "451 later".`,
      });
      expect(mails).toEqual([]);
    },
  );

  test('that one of several recipients does not get is refused, and the others get it', async () => {
    verdict = (stage, text) => (stage === 'to' && text.startsWith('night') ? [550, 'no such user'] : null);
    await expect(mailTo().send(opened)).rejects.toMatchObject({ code: 'NOTIFICATION_REFUSED' });
    expect(mails.map(({ to }) => to)).toEqual([['ops@example.com']]);
  });

  test('that is larger than the server takes is refused', async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const port = await start({ size: 500 });
    await expect(mailTo({ port }).send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_REFUSED',
      message: expect.stringMatching(
        /^The mail cannot be sent to .*: "Message size larger than allowed 500"\.$/,
      ),
    });
  });

  test('goes to the owner of the job, if the file says so', async () => {
    const { to: _, ...others } = settings;
    const owners = (more: object = {}) => oneReceiver({ mail: { ...others, toOwner: true, ...more } });
    await owners().send({ ...opened, owner: 'ann@example.com, data team,bob@example.org' });
    expect(mails.at(-1)?.to).toEqual(['ann@example.com', 'bob@example.org']);
    await owners({ ownerDomains: ['example.org'] }).send({
      ...opened,
      owner: 'ann@example.com,bob@example.org',
    });
    expect(mails.at(-1)?.to).toEqual(['bob@example.org']);
    // About no job.
    await owners().send({ ...opened, step: 'test', owner: null });
    expect(mails.at(-1)?.to).toEqual([settings.from.replace(/.*<(.*)>/, '$1')]);
    for (const owner of [null, 'data team', 'ann@example.com\r\nBcc: eve@example.com'])
      await expect(owners().send({ ...opened, owner })).rejects.toMatchObject({
        code: 'NOTIFICATION_REFUSED',
        message: 'The owner of the job has no mail address that may get messages.',
      });
    expect(mails).toHaveLength(3);
  });

  test('has no password in an error', async () => {
    const wrong = files.write('wrong', 'wrong-hunter2');
    const error = await mailTo({ passwordFile: wrong })
      .send(opened)
      .catch((problem) => problem);
    expect(error.code).toBe('NOTIFICATION_REFUSED');
    expect(error.message).toContain('Who is ***?');
    expect(JSON.stringify([error.message, error.details])).not.toContain('hunter2');
  });

  describe('to a server that says nothing', () => {
    let silent: Server;
    let sockets: Socket[];
    beforeEach(async () => {
      sockets = [];
      silent = createTcpServer((socket) => void sockets.push(socket));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    });
    const port = (): number => (silent.address() as AddressInfo).port;

    test('is tried again after 30 seconds', async () => {
      const receiver = mailTo({ port: port() });
      const sending = receiver.send(opened).catch((problem) => problem);
      await until('it connects', () => sockets.length === 1);
      await receiver.clock.advance(30_000);
      expect(await sending).toMatchObject({
        code: 'NOTIFICATION_FAILED',
        message: `127.0.0.1:${port()} did not take the mail within 30 s.`,
      });
    });

    test('is interrupted by the stop', async () => {
      const receiver = mailTo({ port: port() });
      const sending = receiver.send(opened).catch((problem) => problem);
      await until('it connects', () => sockets.length === 1);
      await receiver.notifier.stop();
      expect(await sending).toMatchObject({
        code: 'NOTIFICATION_FAILED',
        message: 'The delivery was interrupted, because the node stops.',
      });
    });

    test('that goes away is tried again', async () => {
      const receiver = mailTo({ port: port() });
      const sending = receiver.send(opened).catch((problem) => problem);
      await until('it connects', () => sockets.length === 1);
      sockets[0]?.destroy();
      expect(await sending).toMatchObject({ code: 'NOTIFICATION_FAILED' });
    });
  });

  test('to nobody is tried again', async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await expect(mailTo().send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: expect.stringMatching(
        /^The mail server 127\.0\.0\.1:\d+ cannot be used: ".*ECONNREFUSED.*"\.$/,
      ),
    });
  });
});
