/**
 * Ids of triggers. A client that repeats a request with the same Idempotency-Key gets the same run. The id is
 * a hash of the key, because it becomes part of names on engines.
 */

import { createHash, randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { CarillonError } from '../errors.ts';

/** Long enough that two requests for one job never share an id by chance. */
const idLength = 16;
const maxKeyLength = 256;

/** `names`: the jobs of a request for several jobs. The same key with other jobs is another request. */
export function triggerId(request: FastifyRequest, names: readonly string[] = []): string {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return randomId();
  if (typeof key === 'string' && key.length > 0 && key.length <= maxKeyLength) {
    return hashed([key, ...names]);
  }
  throw new CarillonError('INVALID_FIELD', `Idempotency-Key has ${key.length} characters.`, {
    field: 'Idempotency-Key',
    value: String(key).slice(0, 80),
    allowed: `1 to ${maxKeyLength} characters`,
    source: 'header',
  });
}

/** For the run of a report: the same for all reports about it, if they say so. */
export const reportId = (job: string, rid: string | null): string =>
  rid === null ? randomId() : hashed([rid, job]);

const randomId = (): string => randomUUID().replaceAll('-', '').slice(0, idLength);

const hashed = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, idLength);
