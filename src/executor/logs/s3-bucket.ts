/** Objects of a bucket that speaks S3, as streams. aws4fetch signs the requests; the bodies are not signed. */

import type { Readable } from 'node:stream';
import { AwsV4Signer } from 'aws4fetch';
import { type Dispatcher, request } from 'undici';
import type { Clock } from '../../scheduler/ports.ts';
import type { AwsCredentials } from './aws-credentials.ts';

/** Longer than the largest output takes over a slow line. */
const wholeWithinMs = 600_000;
/** Until a response begins, and between two pieces of it. */
const silentMs = 30_000;
const maxProblemBytes = 4 * 1024;

export interface BucketParts {
  /** The endpoint with the bucket and the prefix. */
  readonly url: string;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly clock: Clock;
}

export class S3Bucket {
  readonly #parts: BucketParts;

  constructor(parts: BucketParts) {
    this.#parts = parts;
  }

  /** Replaces an object of this name. */
  async put(name: string, bytes: number, body: Readable, signal: AbortSignal): Promise<void> {
    await this.#within(signal, async (limited) => {
      const headers = { 'content-length': String(bytes), 'content-type': 'application/octet-stream' };
      const answer = await this.#ask('PUT', name, limited, { headers, body });
      if (answer.statusCode >= 300) throw await problemIn(answer);
      await answer.body.dump();
    });
  }

  /** Gives the object to `take`, or returns false if there is none. */
  async get(
    name: string,
    signal: AbortSignal,
    take: (body: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<boolean> {
    return this.#within(signal, async (limited) => {
      const answer = await this.#ask('GET', name, limited, {});
      if (answer.statusCode < 300) {
        await take(answer.body);
        return true;
      }
      const problem = await problemIn(answer);
      // A bucket that is missing has this status too.
      if (answer.statusCode === 404 && problem.message.includes('NoSuchKey')) return false;
      throw problem;
    });
  }

  async #ask(
    method: 'GET' | 'PUT',
    name: string,
    signal: AbortSignal,
    { headers, body }: { readonly headers?: Record<string, string>; readonly body?: Readable },
  ): Promise<Dispatcher.ResponseData> {
    const { url, region, credentials, clock } = this.#parts;
    const datetime = new Date(clock.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
    const signer = new AwsV4Signer({
      ...(await credentials()),
      ...{ method, region, datetime, service: 's3', url: `${url}/${name}` },
      ...(headers !== undefined && { headers }),
    });
    const signed = await signer.sign();
    return request(signed.url, {
      ...{ method, signal, headersTimeout: silentMs, bodyTimeout: silentMs },
      headers: Object.fromEntries(signed.headers),
      ...(body !== undefined && { body }),
    });
  }

  async #within<T>(signal: AbortSignal, act: (limited: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const cancel = this.#parts.clock.after(wholeWithinMs, () => limit.abort());
    try {
      return await act(AbortSignal.any([limit.signal, signal]));
    } finally {
      cancel();
    }
  }
}

/** `403 SignatureDoesNotMatch`. */
async function problemIn({ statusCode, body }: Dispatcher.ResponseData): Promise<Error> {
  let text = '';
  for await (const chunk of body) {
    text += String(chunk);
    if (text.length > maxProblemBytes) break;
  }
  const [, code = ''] = /<Code>(\w{1,64})<\/Code>/.exec(text) ?? [];
  return new Error(`status ${statusCode} ${code}`.trim());
}
