/** The HTTP client for OTLP, in its JSON form: sends one request, and says what its answer means. */

import { fetch, type Response } from 'undici';
import { CarillonError } from '../errors.ts';
import type { Clock } from '../scheduler/ports.ts';
import type { Headers } from './headers.ts';

const answerWithinMs = 10_000;
const maxAnswerBytes = 4 * 1024;
const maxShown = 200;
/** The protocol's list: everything else would fail again. */
const comeBack: readonly number[] = [429, 502, 503, 504];
/** Longer than any collector restarts, and short enough to be back on the same day. */
const longestRetryAfterMs = 600_000;

export interface CollectorParts {
  readonly url: string;
  /** Read for each request, so that a new key counts at once. */
  readonly headers: () => Promise<Headers>;
  readonly clock: Clock;
}

export type Answer =
  /** `rejected`: the number of spans that it did not take. */
  | { readonly kind: 'taken'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }
  /** To be sent again, not before `retryAfterMs`. */
  | { readonly kind: 'away'; readonly message: string; readonly retryAfterMs: number };

export class Collector {
  readonly #parts: CollectorParts;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  async send(body: string, signal: AbortSignal): Promise<Answer> {
    const { url, headers, clock } = this.#parts;
    const limit = new AbortController();
    const cancel = clock.after(answerWithinMs, () => limit.abort());
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'user-agent': 'Carillon', ...(await headers()), 'content-type': 'application/json' },
        body,
        // Headers have keys, and go to no other address.
        redirect: 'manual',
        signal: AbortSignal.any([limit.signal, signal]),
      });
      return await this.#answerIn(response);
    } catch (error) {
      const message = limit.signal.aborted
        ? `it did not respond within ${answerWithinMs / 1_000} s`
        : reasonOf(error as Error);
      return { kind: 'away', message, retryAfterMs: 0 };
    } finally {
      cancel();
    }
  }

  async #answerIn(response: Response): Promise<Answer> {
    const { status, headers } = response;
    const text = await beginning(response);
    if (response.ok) return { kind: 'taken', ...rejectedIn(text) };
    const message = `it responded with status ${status}${text === '' ? '' : `: ${shown(text)}`}`;
    if (!comeBack.includes(status)) return { kind: 'refused', message };
    const retryAfterMs = retryAfterIn(headers.get('retry-after') ?? '', this.#parts.clock.now());
    return { kind: 'away', message, retryAfterMs };
  }
}

async function beginning({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
    if (size >= maxAnswerBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxAnswerBytes);
}

/** `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"…"}}`. Collectors may answer nothing, or something else. */
function rejectedIn(text: string): { readonly rejected: number; readonly message: string } {
  try {
    const { partialSuccess } = Object(JSON.parse(text)) as { partialSuccess?: unknown };
    const { rejectedSpans, errorMessage } = Object(partialSuccess) as Record<string, unknown>;
    const rejected = Number(rejectedSpans ?? 0);
    return {
      rejected: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0,
      message: shown(String(errorMessage ?? '')),
    };
  } catch {
    return { rejected: 0, message: '' };
  }
}

/** Seconds, or a date. */
function retryAfterIn(text: string, now: number): number {
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), longestRetryAfterMs);
}

const shown = (text: string): string =>
  text
    .replaceAll(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, maxShown);

/** The library's own words contain no header. */
function reasonOf(error: Error): string {
  if (error instanceof CarillonError) return error.message;
  const { cause } = error;
  const { code } = Object(cause) as { code?: unknown };
  if (typeof code === 'string') return `it cannot be reached (${code})`;
  return `it cannot be reached (${cause instanceof Error ? cause.message : error.message})`;
}
