/**
 * Reads request bodies where a route takes one: JSON strictly, with the place of a mistake, and YAML where jobs are
 * expected. No other content type is read, which also keeps a foreign web page from posting a form here. Bodies are
 * held to `textBounds` before a parser sees them, and many jobs are taken up one by one, with turns for others.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { type NameTwice, nameTwice, type Place, placeOfMistake } from '../../job-file/json-place.ts';
import { boundJson, type JsonPieces, namesIn, splitJson } from '../../job-file/json-text.ts';
import { decodeUtf8, placeIn, withoutMark } from '../../job-file/utf8.ts';
import type { WrittenJob } from '../../job-file/written-job.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { Turns } from '../turns.ts';
import { nothingHere } from '../wire/error-map.ts';
import { apiLimits } from '../wire/limits.ts';
import { type Bare, type ReadJobs, YamlProcess } from './yaml-process.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a job, or many: as JSON or YAML. */
    readonly takes?: 'job' | 'jobs';
  }
}

/** The jobs of a body, unchecked. */
export class JobsBody {
  readonly jobs: readonly WrittenJob[];

  constructor(jobs: readonly WrittenJob[]) {
    this.jobs = jobs;
  }
}

const jsonTypes = /^application\/([\w.-]+\+)?json\s*($|;)/i;
const yamlTypes = ['application/yaml', 'text/yaml', 'application/x-yaml', 'text/x-yaml', 'text/vnd.yaml'];

const takes = ({ routeOptions }: FastifyRequest): 'job' | 'jobs' | null => routeOptions.config.takes ?? null;
const bodiless = new Set(['GET', 'HEAD', 'OPTIONS']);

/** For the whole app, before any route is added. */
export function readBodies(
  app: FastifyInstance,
  { clock, turns, bare }: { readonly clock: Clock; readonly turns: Turns; readonly bare: Bare | undefined },
): void {
  const yaml = new YamlProcess(clock, bare);
  app.addHook('onClose', () => yaml.close());
  app.removeAllContentTypeParsers();
  // Where nothing is, nothing is read.
  app.addHook('preParsing', async (request, _reply, payload) => {
    if (request.is404 && !bodiless.has(request.method)) throw nothingHere(request);
    refuseEncoded(request);
    return payload;
  });
  app.addContentTypeParser(
    jsonTypes,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) =>
      takes(request) === 'jobs'
        ? readJobs(withoutMark(bytes), turns)
        : notNull(request, parseJson(withoutMark(bytes))),
  );
  app.addContentTypeParser(
    yamlTypes,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      if (takes(request) === null) throw noYaml();
      return new JobsBody(await takeUp(await yaml.read(bytes), turns));
    },
  );
}

/**
 * A compressed body is as large as its sender likes once it is unpacked. That a server in front took another way to
 * send one for its last is how a second request is hidden in the first.
 */
function refuseEncoded({ headers }: FastifyRequest): void {
  const { 'content-encoding': content = 'identity', 'transfer-encoding': transfer = 'chunked' } = headers;
  if (!/^identity$/i.test(content)) throw encoded('content-encoding', content);
  if (!/^chunked$/i.test(transfer)) throw encoded('transfer-encoding', transfer);
}

function encoded(field: string, encoding: string): CarillonError {
  const value = encoding.slice(0, 80);
  return new CarillonError('INVALID_BODY', `A body in the encoding ${JSON.stringify(value)} is not read.`, {
    field,
    value,
    allowed: 'a body that is not compressed',
    source: 'header',
  });
}

/** For routes that are added afterwards: how much of a body each takes, and that none takes what it has no use for. */
export function limitBodies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.takes === 'jobs') return;
    const most = route.schema?.body === undefined ? apiLimits.noBodyBytes : apiLimits.jobBytes;
    route.bodyLimit ??= Math.min(most, app.initialConfig.bodyLimit ?? most);
    if (route.schema?.body === undefined)
      route.preValidation = [route.preValidation ?? [], refuseFields].flat();
  });
}

/** `{}` is what clients send that always send something. */
async function refuseFields({ body }: FastifyRequest): Promise<void> {
  if (body === undefined || body === null) return;
  const [name] = typeof body === 'object' ? Object.keys(body) : ['body'];
  if (name === undefined) return;
  throw new CarillonError('UNKNOWN_FIELD', `${name} is not known. This request has no fields.`, {
    field: name,
    allowed: 'no body, or an empty object',
    source: 'body',
  });
}

/** A body that is null is not the same as none, which is what the framework takes null for. */
function notNull(request: FastifyRequest, body: unknown): unknown {
  if (body !== null || takes(request) !== null) return body;
  throw new CarillonError('INVALID_BODY', 'The body must be a JSON object, and is null.', {
    field: 'body',
    value: null,
    allowed: 'a JSON object',
    source: 'body',
  });
}

/** One JSON value, held to the bounds. INVALID_BODY with line and column. */
export function parseJson(bytes: Uint8Array): unknown {
  const names = boundJson(bytes, 'body');
  const text = decodeUtf8(bytes, 'body');
  if (text.trim() === '') return undefined;
  return readValue(text, names, (place) => place);
}

/** `names`: how many stand in the text; `whole` makes a place in it one in the body. */
function readValue(text: string, names: number, whole: (place: Place) => Place): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw notJson(whole(placeOfMistake(text)));
  }
  if (namesIn(value) === names) return value;
  const { name, place } = nameTwice(text) as NameTwice;
  throw standsTwice(name, whole(place));
}

/** Null where the text is no JSON from somewhere on, which its parser then tells. */
function pieces(bytes: Uint8Array, turns: Turns): Promise<JsonPieces | { readonly mistake: number }> {
  return turns.drive(splitJson(bytes, 'body'));
}

async function readJobs(bytes: Uint8Array, turns: Turns): Promise<unknown> {
  const found = await pieces(bytes, turns);
  if ('mistake' in found) throw notJson(placeIn(bytes, found.mistake));
  if (!found.list) {
    const definition = parseJson(bytes);
    if (typeof definition !== 'object' || definition === null) return definition;
    return new JobsBody([{ definition, source: 'body' }]);
  }
  refuseTooMany(found.pieces.length);
  const jobs: WrittenJob[] = [];
  const turn = await turns.begin();
  for (const [index, { start, end, names }] of found.pieces.entries()) {
    if (turn.isOver()) await turn.next();
    const text = decodeUtf8(bytes, 'body', start, end);
    const definition = readValue(text, names, (place) => behind(placeIn(bytes, start), place));
    jobs.push({ definition, source: `body[${index}]` });
  }
  return new JobsBody(jobs);
}

async function takeUp({ json, ends, lines }: ReadJobs, turns: Turns): Promise<WrittenJob[]> {
  refuseTooMany(ends.length);
  const decoder = new TextDecoder();
  const jobs: WrittenJob[] = [];
  let start = 0;
  const turn = await turns.begin();
  for (const [index, end] of ends.entries()) {
    if (turn.isOver()) await turn.next();
    const definition: unknown = JSON.parse(decoder.decode(json.subarray(start, end)));
    jobs.push({ definition, source: `body:${lines[index]}` });
    start = end;
  }
  return jobs;
}

/** A place in a part of a text, as one in the whole. */
const behind = (start: Place, { line, column }: Place): Place =>
  line === 1
    ? { line: start.line, column: start.column + column - 1 }
    : { line: start.line + line - 1, column };

function notJson({ line, column }: Place): CarillonError {
  return new CarillonError('INVALID_BODY', `The body is not JSON from line ${line}, column ${column} on.`, {
    field: 'body',
    source: `body:${line}:${column}`,
    allowed: 'JSON, or YAML with Content-Type: application/yaml where jobs are expected',
  });
}

function standsTwice(name: string, { line, column }: Place): CarillonError {
  const field = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  const place = `line ${line}, column ${column}`;
  return new CarillonError(
    'INVALID_BODY',
    `The body has the name ${JSON.stringify(field)} twice in one object, the second time at ${place}.`,
    { field, source: `body:${line}:${column}`, allowed: 'each name once' },
  );
}

function noYaml(): CarillonError {
  return new CarillonError('INVALID_BODY', 'The body must be a JSON object, and is YAML.', {
    field: 'body',
    value: 'YAML',
    allowed: 'a JSON object',
    source: 'body',
  });
}

/** The job in the body of a request about one job. */
export function oneJob(body: unknown): WrittenJob {
  if (body === undefined || (body instanceof JobsBody && body.jobs.length === 0)) {
    throw new CarillonError('INVALID_BODY', 'The body holds no job.', {
      field: 'body',
      allowed: 'a job as JSON or YAML',
      source: 'body',
    });
  }
  if (!(body instanceof JobsBody)) return { definition: body, source: 'body' };
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
  if (body instanceof JobsBody) return body.jobs;
  throw new CarillonError('INVALID_BODY', 'The body holds no jobs.', {
    field: 'body',
    allowed: 'a list of jobs, an object with jobs: [...], or YAML documents',
    source: 'body',
  });
}

function refuseTooMany(count: number): void {
  if (count <= apiLimits.applyJobs) return;
  throw new CarillonError('LIMIT_EXCEEDED', `The body holds ${count} jobs.`, {
    field: 'jobs',
    value: count,
    allowed: `at most ${apiLimits.applyJobs} jobs in one request`,
    source: 'body',
  });
}
