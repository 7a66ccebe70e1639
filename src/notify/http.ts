/**
 * The only HTTP client of receivers. It follows no redirect: an address in the file decides where messages go, and not who
 * answers there. Of an answer only the status counts; a short beginning of its text is shown if it is a failure.
 */

import { fetch, type Response } from 'undici';
import { CarillonError } from '../errors.ts';
import { failed, interrupted, quoted, refused } from './problem.ts';
import { type Way, wayTo } from './proxy.ts';
import type { ReceiverParts } from './receiver.ts';

const answerWithinMs = 10_000;
const maxAnswerBytes = 4 * 1024;
/** Beside all of 500 and above: the receiver asks to come back. */
const comeBack: readonly number[] = [408, 425, 429];
/** A shorter part of an address is no secret, but a word such as `services`. */
const secretLength = 8;

export interface Post extends Ask {
  readonly contentType?: string;
  readonly body: string;
}

export interface Ask {
  /** A login in it becomes a header. It may be a secret, except its host. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address of the receiver's own proxy, which may be a secret, except its host. */
  readonly proxy?: string | null;
  /** Texts that no error may contain, beside the addresses. */
  readonly secrets?: readonly string[];
}

export type PostParts = Pick<ReceiverParts, 'clock' | 'environment'>;

/** NOTIFICATION_REFUSED, NOTIFICATION_FAILED. */
export const post = (
  { contentType = 'application/json', body, headers, ...request }: Post,
  parts: PostParts,
  signal: AbortSignal,
): Promise<void> => {
  const all = { ...headers, 'content-type': contentType };
  return ask({ ...request, headers: all }, { method: 'POST', body }, parts, signal);
};

/** As `post`, with nothing to send. */
export const get = (request: Ask, parts: PostParts, signal: AbortSignal): Promise<void> =>
  ask(request, { method: 'GET' }, parts, signal);

async function ask(
  request: Ask,
  sent: { readonly method: string; readonly body?: string },
  parts: PostParts,
  signal: AbortSignal,
): Promise<void> {
  const { clock, environment } = parts;
  const { url, proxy = null, headers = {}, secrets = [] } = request;
  const { target, login } = splitLogin(new URL(url));
  const way = wayTo(proxy, environment);
  const hidden = [...secrets, ...[new URL(url), ...way.proxies].flatMap(secretsOf)];
  const limit = new AbortController();
  const cancel = clock.after(answerWithinMs, () => limit.abort());
  try {
    const response = await fetch(target, {
      ...sent,
      headers: { 'user-agent': 'Carillon', ...login, ...headers },
      redirect: 'manual',
      ...(way.dispatcher !== null && { dispatcher: way.dispatcher }),
      signal: AbortSignal.any([limit.signal, signal]),
    });
    if (response.ok) await response.body?.cancel();
    else throw await problemOf(response, target, hidden);
  } catch (error) {
    if (signal.aborted) throw interrupted();
    if (limit.signal.aborted)
      throw failed(`${target.host} did not respond within ${answerWithinMs / 1_000} s.`);
    throw error instanceof CarillonError ? error : unreachable(error, target, way, hidden);
  } finally {
    cancel();
    void way.dispatcher?.destroy();
  }
}

async function problemOf(response: Response, { host }: URL, hidden: readonly string[]): Promise<Error> {
  const { status, headers } = response;
  const isRedirect = status >= 300 && status < 400;
  const said = quoted(await beginning(response), hidden);
  if (isRedirect) {
    const to = headers.get('location') ?? '';
    const where = URL.canParse(to, `http://${host}`) ? new URL(to, `http://${host}`).host : 'nowhere';
    return refused(
      `${host} responded with status ${status}, a redirect to ${where}. Redirects are not followed.`,
    );
  }
  const words = `${host} responded with status ${status}${said}.`;
  return status >= 500 || comeBack.includes(status) ? failed(words) : refused(words);
}

/** The first bytes of the answer. A failure while they are read does not matter: the status is known. */
async function beginning({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  const chunks: Uint8Array[] = [];
  try {
    for (let size = 0; reader !== undefined && size < maxAnswerBytes; ) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.length;
    }
    await reader?.cancel();
  } catch {
    // What has arrived is shown.
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxAnswerBytes);
}

/** Network, certificate, name: words of the system that may repeat the address. */
function unreachable(error: unknown, { host }: URL, { proxies }: Way, hidden: readonly string[]): Error {
  const { code, message } = firstCause(error as Error);
  // The library's own codes say less than its words.
  const isTelling = typeof code === 'string' && !code.startsWith('UND_');
  const said = isTelling ? ` (${code})` : quoted(message, hidden);
  const through = [...new Set(proxies.map((proxy) => proxy.host))].join(' or ');
  return failed(`${host} cannot be reached${through === '' ? '' : ` through the proxy ${through}`}${said}.`);
}

function firstCause(error: Error & { code?: unknown }): typeof error {
  return error.cause instanceof Error ? firstCause(error.cause) : error;
}

/** `fetch` refuses an address with a login, and its message would repeat it. */
function splitLogin(url: URL): { target: URL; login: Record<string, string> } {
  const { username, password } = url;
  if (username === '' && password === '') return { target: url, login: {} };
  const target = new URL(url);
  target.username = '';
  target.password = '';
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { target, login: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** An address whole and in parts: receivers repeat one or the other. */
function secretsOf(url: URL): string[] {
  const parts = [...url.pathname.split('/'), ...url.searchParams.values(), url.username, url.password];
  const long = parts.flatMap((part) => [part, decoded(part)]).filter(({ length }) => length >= secretLength);
  return [url.href, `${url.pathname}${url.search}`, ...long].filter((text) => text.length > 1);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
