/**
 * Secrets of HashiCorp Vault and OpenBao: KV version 2 over HTTP. It logs in once, renews its token and logs in again when
 * that ends. What was read is kept for seconds only, so that a burst of launches is one request.
 */

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { CarillonError } from '../../errors.ts';
import type { VaultKey } from '../../scheduler/job/spec.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { maxSecretBytes } from './reader.ts';
import { secretRefused, secretUnavailable } from './refusal.ts';
import type { SecretServer } from './secrets.ts';
import type { VaultFile } from './vault-file.ts';

const answerWithinMs = 10_000;
const keptMs = 5_000;
const mostKept = 1_000;
/** JSON of a secret: at most six bytes for each of its own, and other keys beside it. */
const maxAnswerBytes = 8 * 1024 * 1024;
const maxTokenBytes = 64 * 1024;
/** It asks to come back: a standby, a node that lags behind, a limit of requests. Beside all of 500 and above. */
const comeBack: readonly number[] = [307, 408, 412, 429, 472, 473];
const accountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** Of its time, after which a token is renewed. */
const renewAfter = 2 / 3;

export interface VaultParts {
  readonly clock: Clock;
  readonly log: Log;
}

interface Token {
  readonly text: string;
  /** When to renew it or to log in again, by the monotonic clock. Infinite: never. */
  readonly renewAtMs: number;
  /** Infinite: never. */
  readonly endsAtMs: number;
  readonly isRenewable: boolean;
}

/** An answer that is no success. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

interface Kept {
  readonly secret: Promise<Readonly<Record<string, unknown>>>;
  readonly untilMs: number;
}

export class Vault implements SecretServer {
  readonly paths: readonly string[];
  readonly #file: VaultFile;
  readonly #parts: VaultParts;
  readonly #kept = new Map<string, Kept>();
  #agent: { readonly agent: Agent; readonly ca: string } | null = null;
  #token: Token | null = null;
  #entering: Promise<Token> | null = null;

  constructor(file: VaultFile, parts: VaultParts) {
    this.#file = file;
    this.#parts = parts;
    this.paths = file.paths;
  }

  /** LAUNCH_REFUSED, ENGINE_UNAVAILABLE: without anything that the server said of a secret. */
  async read(field: string, { path, key, version }: VaultKey): Promise<Buffer> {
    const place = version === undefined ? path : `${path}?version=${version}`;
    const secret = await this.#secret(place).catch((error: unknown) => {
      throw problemOf(field, place, error);
    });
    const value = Object.hasOwn(secret, key) ? secret[key] : undefined;
    if (value === undefined || value === null)
      throw secretRefused(field, `${place} has no key ${key}`, {
        value: key,
        allowed: 'a key of the secret',
      });
    const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    if (bytes.length <= maxSecretBytes) return bytes;
    throw secretRefused(field, `${key} of ${place} is too long`, {
      value: key,
      allowed: `at most ${maxSecretBytes} bytes`,
    });
  }

  close(): void {
    void this.#agent?.agent.destroy();
    this.#kept.clear();
  }

  #secret(place: string): Kept['secret'] {
    const now = this.#parts.clock.monotonicMs();
    for (const [each, { untilMs }] of this.#kept) if (untilMs <= now) this.#kept.delete(each);
    const kept = this.#kept.get(place);
    if (kept !== undefined) return kept.secret;
    const secret = this.#load(place);
    if (this.#kept.size < mostKept) this.#kept.set(place, { secret, untilMs: now + keptMs });
    // Those who wait for it get its failure; who comes later asks again.
    secret.catch(() => this.#kept.delete(place));
    return secret;
  }

  async #load(place: string): Kept['secret'] {
    const token = await this.#valid();
    const answer = await this.#ask('GET', place, token.text).catch(async (error: unknown) => {
      // A token that was revoked looks like one without rights.
      if (!(error instanceof Refusal) || error.status !== 403 || !(await this.#isRefused(token))) throw error;
      return this.#ask('GET', place, (await this.#valid()).text);
    });
    const data = fieldsOf(fieldsOf(answer).data).data;
    if (data === null || typeof data !== 'object') throw new Refusal(404, 'it is deleted');
    return fieldsOf(data);
  }

  /** True if it counts no more, so that the next request logs in again. */
  async #isRefused(token: Token): Promise<boolean> {
    try {
      await this.#ask('GET', 'auth/token/lookup-self', token.text);
      return false;
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 403) throw error;
      if (this.#token === token) this.#token = null;
      return true;
    }
  }

  /** All that wait for a token share one log-in or renewal. */
  async #valid(): Promise<Token> {
    const token = this.#token;
    const now = this.#parts.clock.monotonicMs();
    if (token !== null && now < token.renewAtMs) return token;
    this.#entering ??= this.#enter(token !== null && now < token.endsAtMs ? token : null).finally(() => {
      this.#entering = null;
    });
    this.#token = await this.#entering;
    return this.#token;
  }

  async #enter(token: Token | null): Promise<Token> {
    const { clock, log } = this.#parts;
    if (token?.isRenewable) {
      const renewed = await this.#ask('POST', 'auth/token/renew-self', token.text, {}).catch(
        (error: Error) => {
          log.warn({ error: error.message }, 'vault.not-renewed');
          return null;
        },
      );
      const next = renewed === null ? null : tokenOf(fieldsOf(renewed).auth, clock.monotonicMs());
      // Its maximum is reached if it lasts no longer than before.
      if (next !== null && next.endsAtMs > token.endsAtMs) return next;
    }
    const { tokenFile, appRole, kubernetes } = this.#file.auth;
    if (tokenFile !== undefined) return this.#ownToken(await firstLine(tokenFile));
    const [mount, body] =
      appRole !== undefined
        ? [
            appRole.mount ?? 'approle',
            { role_id: appRole.roleId, secret_id: await firstLine(appRole.secretIdFile) },
          ]
        : [
            kubernetes?.mount ?? 'kubernetes',
            { role: kubernetes?.role, jwt: await firstLine(kubernetes?.tokenFile ?? accountToken) },
          ];
    const answer = await this.#ask('POST', `auth/${mount}/login`, null, body);
    const next = tokenOf(fieldsOf(answer).auth, clock.monotonicMs());
    if (next === null) throw new Error('the log-in returned no token');
    log.info({ mount }, 'vault.logged-in');
    return next;
  }

  /** A token that somebody else made: how long it lasts, the server says. */
  async #ownToken(text: string): Promise<Token> {
    const { ttl, renewable } = fieldsOf(
      fieldsOf(await this.#ask('GET', 'auth/token/lookup-self', text)).data,
    );
    const auth = { client_token: text, lease_duration: ttl, renewable };
    const token = tokenOf(auth, this.#parts.clock.monotonicMs());
    if (token === null) throw new Error('the server knows nothing of the token');
    return token;
  }

  async #ask(method: 'GET' | 'POST', path: string, token: string | null, body?: object): Promise<unknown> {
    const { address, namespace } = this.#file;
    const limit = new AbortController();
    const cancel = this.#parts.clock.after(answerWithinMs, () => limit.abort());
    try {
      const answer = await request(`${address.replace(/\/+$/, '')}/v1/${path}`, {
        method,
        dispatcher: await this.#dispatcher(),
        signal: limit.signal,
        headers: {
          'x-vault-request': 'true',
          ...(token !== null && { 'x-vault-token': token }),
          ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body) {
        size += (chunk as Buffer).length;
        if (size > maxAnswerBytes) throw new Error('the answer is too long');
        chunks.push(chunk as Buffer);
      }
      const parsed = parse(Buffer.concat(chunks).toString('utf8'));
      if (answer.statusCode === 200) return parsed;
      throw new Refusal(answer.statusCode, `status ${answer.statusCode}`);
    } catch (error) {
      if (limit.signal.aborted) throw new Error(`no answer within ${answerWithinMs / 1_000} s`);
      throw error;
    } finally {
      cancel();
    }
  }

  /** With the authority's certificates as they are now. */
  async #dispatcher(): Promise<Agent> {
    const { caFile } = this.#file;
    const ca = caFile === undefined ? '' : await readFile(caFile, 'utf8');
    if (this.#agent?.ca !== ca) {
      void this.#agent?.agent.close();
      this.#agent = { agent: new Agent(ca === '' ? {} : { connect: { ca } }), ca };
    }
    return this.#agent.agent;
  }
}

function tokenOf(auth: unknown, now: number): Token | null {
  const { client_token: text, lease_duration: seconds, renewable } = fieldsOf(auth);
  if (typeof text !== 'string' || text === '') return null;
  // A root token has 0: it never ends.
  const lastsMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : Number.POSITIVE_INFINITY;
  return {
    text,
    endsAtMs: now + lastsMs,
    renewAtMs: now + lastsMs * renewAfter,
    isRenewable: renewable === true,
  };
}

/** Never with a text of the server: it may repeat what it was sent. */
function problemOf(field: string, place: string, error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  if (!(error instanceof Refusal)) return secretUnavailable(field, `Vault: ${wordsOf(error as Error)}`);
  const { status } = error;
  if (status >= 500 || comeBack.includes(status))
    return secretUnavailable(field, `Vault answered with ${error.message}`);
  const why =
    status === 403
      ? 'the token may not read it, or the log-in was refused'
      : status === 404
        ? 'there is no such secret or version, or it is deleted'
        : error.message;
  return secretRefused(field, `${place} in Vault: ${why}`, {
    value: place,
    allowed: 'a secret of KV version 2 that the policy of the token allows to read',
  });
}

function wordsOf({ cause, message, ...error }: Error & { code?: unknown }): string {
  if (cause instanceof Error) return wordsOf(cause);
  return typeof error.code === 'string' && !error.code.startsWith('UND_') ? error.code : message;
}

/** Of a file with a token. Its failure has only the name of the file. */
async function firstLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read (${error.code ?? 'unknown error'})`);
  });
  const line = text.split('\n', 1)[0]?.trim() ?? '';
  if (line !== '' && line.length <= maxTokenBytes && /^[\x21-\x7e]+$/.test(line)) return line;
  throw new Error(`${file} has no token in its first line`);
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
