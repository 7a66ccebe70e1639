/**
 * Who gets the messages about jobs. Some requests it refuses for the moment, and of some it keeps the message and
 * breaks the connection before the answer: both come again.
 */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { MessageRecord } from './history.ts';
import type { Random } from './random.ts';

const port = 4499;
const refused = 0.1;
const unanswered = 0.1;

export class Receiver {
  readonly messages: MessageRecord[] = [];
  readonly url: string;
  readonly #host: string;
  readonly #random: Random;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  constructor(host: string, random: Random) {
    this.#host = host;
    this.#random = random;
    this.url = `http://${host}:${port}/`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, this.#host, resolve));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    if (this.#random.next() < refused) {
      response.writeHead(503).end();
      return;
    }
    this.messages.push(recordOf(text));
    if (this.#random.next() < unanswered) request.socket.destroy();
    else response.end();
  }
}

function recordOf(text: string): MessageRecord {
  const { key, job, step, condition, at, facts } = JSON.parse(text) as {
    readonly [Name in 'key' | 'job' | 'step' | 'condition' | 'at']: string;
  } & { readonly facts: readonly { readonly name: string; readonly text: string }[] };
  const run = facts.find(({ name }) => name === 'Run')?.text ?? null;
  // Usual durations are those of the moment at which it is sent.
  const said = JSON.stringify(facts.filter(({ name }) => name !== 'Usual duration'));
  const digest = createHash('sha256').update(`${step} ${condition} ${at} ${said}`).digest('hex').slice(0, 16);
  return { key, job, step, condition, at: Date.parse(at), run, digest, receivedAt: Date.now() };
}
