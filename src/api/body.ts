/**
 * Reads request bodies: JSON strictly, with the place of a mistake, and YAML where jobs are expected. No other
 * content type is read, which also keeps a foreign web page from posting a form here.
 */

import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../errors.ts';
import { parseJobFile, type WrittenJob } from '../job-file.ts';
import { placeOfMistake } from './json-place.ts';
import { apiLimits } from './limits.ts';

/** The jobs of a YAML body, unchecked. */
export class YamlBody {
  readonly jobs: readonly WrittenJob[];

  constructor(jobs: readonly WrittenJob[]) {
    this.jobs = jobs;
  }
}

const jsonTypes = /^application\/([\w.-]+\+)?json\s*($|;)/i;
const yamlTypes = ['application/yaml', 'text/yaml', 'application/x-yaml', 'text/x-yaml', 'text/vnd.yaml'];

export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(jsonTypes, { parseAs: 'string' }, (_request, text, done) =>
    settle(done, () => parseJson(String(text))),
  );
  app.addContentTypeParser(yamlTypes, { parseAs: 'string' }, (_request, text, done) =>
    settle(done, () => new YamlBody(parseJobFile(String(text), 'body'))),
  );
}

function settle(done: (error: Error | null, body?: unknown) => void, parse: () => unknown): void {
  let body: unknown;
  try {
    body = parse();
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, body);
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { line, column } = placeOfMistake(text);
    throw new CarillonError('INVALID_BODY', `The body is not JSON from line ${line}, column ${column} on.`, {
      field: 'body',
      source: `body:${line}:${column}`,
      allowed: 'JSON, or YAML with Content-Type: application/yaml where jobs are expected',
    });
  }
}

/** The job in the body of a request about one job. */
export function oneJob(body: unknown): WrittenJob {
  if (!(body instanceof YamlBody)) return { definition: body, source: 'body' };
  if (body.jobs.length === 1) return body.jobs[0]!;
  throw new CarillonError(
    'INVALID_BODY',
    `The body holds ${body.jobs.length} jobs. POST /api/v1/apply takes many.`,
    {
      field: 'body',
      value: body.jobs.length,
      allowed: 'one job',
      source: 'body',
    },
  );
}

/** The jobs in the body of a request about many: a list, `{ jobs: [...] }`, or a single one. */
export function manyJobs(body: unknown): readonly WrittenJob[] {
  const jobs = body instanceof YamlBody ? body.jobs : fromJson(body);
  if (jobs.length <= apiLimits.applyJobs) return jobs;
  throw new CarillonError('LIMIT_EXCEEDED', `The body holds ${jobs.length} jobs.`, {
    field: 'jobs',
    value: jobs.length,
    allowed: `at most ${apiLimits.applyJobs} jobs in one request`,
    source: 'body',
  });
}

function fromJson(body: unknown): WrittenJob[] {
  const list = Array.isArray(body) ? body : listUnderJobs(body);
  if (list !== null) return list.map((definition, index) => ({ definition, source: `body[${index}]` }));
  if (typeof body === 'object' && body !== null) return [{ definition: body, source: 'body' }];
  throw new CarillonError('INVALID_BODY', 'The body holds no jobs.', {
    field: 'body',
    allowed: 'a list of jobs, an object with jobs: [...], or YAML documents',
    source: 'body',
  });
}

function listUnderJobs(body: unknown): unknown[] | null {
  if (typeof body !== 'object' || body === null || Object.keys(body).join() !== 'jobs') return null;
  const { jobs } = body as { jobs: unknown };
  return Array.isArray(jobs) ? jobs : null;
}
