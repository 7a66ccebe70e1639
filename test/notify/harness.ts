/** Messages, an HTTP server that gets them, and a notifier with one receiver. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { createNotifier } from '../../src/notify/notifier.ts';
import type { ReceiverSettings } from '../../src/notify/schema.ts';
import type { Message } from '../../src/scheduler/model/alert.ts';
import type { About, Notifier } from '../../src/scheduler/notifier.ts';
import { SimClock } from '../support/sim-clock.ts';

const at = (text: string): number => Date.parse(`2026-11-30T${text}Z`);

export const opened: Message = {
  key: 'etl-load.failed.20261130T020304Z.1.tickets',
  alertKey: 'etl-load.failed.20261130T020304Z',
  step: 'opened',
  condition: 'failed',
  severity: 'critical',
  job: 'etl-load',
  subject: '',
  owner: 'data@example.com',
  labels: { team: 'data', 'cost-center': '4711' },
  since: at('02:03:04'),
  at: at('02:03:05'),
  title: 'etl-load failed',
  facts: [
    { name: 'Run', text: 'etl-load.20261130T020000Z' },
    { name: 'Reason', text: 'exit code 3' },
  ],
  output: ['loading 12 files', '  error: no space left'],
  link: 'https://carillon.example.com/jobs/etl-load',
};
export const repeated: Message = { ...opened, key: 'n-17.repeated-1', step: 'repeated', at: at('06:03:05') };
export const resolved: Message = {
  ...opened,
  ...{ key: 'n-17.resolved', step: 'resolved', at: at('08:00:09'), title: 'etl-load succeeded again' },
  ...{ facts: [{ name: 'Run', text: 'etl-load.20261130T080000Z' }], output: [] },
};
export const notice: Message = {
  ...opened,
  ...{ key: 'n-18.1', alertKey: 'n-18', step: 'notice', condition: 'succeeded', severity: 'info' },
  ...{ title: 'etl-load succeeded', output: [] },
};
export const steps = { opened, repeated, resolved, notice };

/** Each text tries to be something else. */
export const nasty: Message = {
  ...opened,
  key: 'k\r\nX-Injected: 1',
  alertKey: `${'a'.repeat(300)}\r\n`,
  owner: 'eve\r\nBcc: eve@example.com',
  labels: { 'a.b': '<!channel>\n@here', '7th': '{{job}}', job: 'other', empty: '' },
  title:
    'x\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script> <!channel> @channel *b* _i_ | `c` & {{DATE(1,SHORT)}}',
  facts: [
    {
      name: 'A|<b>',
      text: '<https://evil.example.com|click> [a](http://evil.example.com) "quoted" \\ \u202etxt.exe',
    },
    { name: 'Long', text: `${'<'.repeat(5_000)}` },
  ],
  output: [
    ...Array.from({ length: 200 }, (_, i) => `line ${i} ${'&'.repeat(400)}`),
    '\u001b[31mred\u001b[0m \u0000nul',
    '``` <!everyone> </pre><script>alert(2)</script>',
    '.',
    '🙂'.repeat(3_000),
  ],
  link: 'https://carillon.example.com/jobs/x?a="><script>|b',
};

export interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers 200 unless told otherwise, and keeps what it gets. */
export class HttpReceiver {
  readonly received: Received[] = [];
  answer: (response: ServerResponse, request: IncomingMessage) => void = (response) =>
    void response.end('ok');
  readonly #server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    this.received.push({ url: request.url ?? '', headers: request.headers, body });
    this.answer(response, request);
  });

  static async start(): Promise<HttpReceiver> {
    const receiver = new HttpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** The body of each request as JSON. */
  bodies(): unknown[] {
    return this.received.map(({ body }) => JSON.parse(body));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Files with secrets, in a folder that goes with them. */
export class SecretFiles {
  readonly dir = mkdtempSync(join(tmpdir(), 'carillon-notify-'));

  write(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface OneReceiver {
  readonly notifier: Notifier;
  readonly clock: SimClock;
  send(message: Message, about?: About): Promise<void>;
}

export function oneReceiver(
  settings: ReceiverSettings,
  now = at('09:00:00'),
  more: Readonly<Record<string, string>> = {},
  installation = 'one',
): OneReceiver {
  const clock = new SimClock(now);
  const { PATH, HOME } = process.env;
  const environment = { PATH, HOME, SECRET: 'not for commands', ...more };
  const notifier = createNotifier(
    { it: settings },
    {
      ...{ clock, environment, installation: () => installation },
      bare: (argv) => argv,
    },
  );
  return { notifier, clock, send: (message, about) => notifier.send('it', message, about) };
}

/** As a file of snapshots has it. */
export const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A server and a folder for secrets of its own for each test of the file. `begin` is called before it. */
export function receiving(begin: (server: HttpReceiver, files: SecretFiles) => void): void {
  let server: HttpReceiver;
  let files: SecretFiles;
  beforeEach(async () => {
    server = await HttpReceiver.start();
    files = new SecretFiles();
    begin(server, files);
  });
  afterEach(async () => {
    await server.stop();
    files.remove();
  });
}
