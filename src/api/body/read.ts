/**
 * Reads request bodies. JSON is parsed strictly, with the position of a mistake; YAML is accepted where jobs
 * are expected. No other content type is accepted, which also keeps other web pages from posting a form here.
 * `textBounds` are checked before a parser sees the body. Many jobs are parsed one by one, so that other work
 * gets its turn.
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
    /** The body is a job or many jobs, as JSON or YAML. */
    readonly takes?: 'job' | 'jobs';
  }
}

/** The jobs of a body, not validated yet. */
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

/** Call it for the whole app, before any route is added. */
export function readBodies(
  app: FastifyInstance,
  { clock, turns, bare }: { readonly clock: Clock; readonly turns: Turns; readonly bare: Bare | undefined },
): void {
  const yaml = new YamlProcess(clock, bare);
  app.addHook('onClose', () => yaml.close());
  app.removeAllContentTypeParsers();
  // An address without a route does not read its body.
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
 * Refuses compressed bodies, which can unpack to any size, and `Transfer-Encoding` other than chunked: a
 * proxy that interprets it differently would allow request smuggling.
 */
function refuseEncoded({ headers }: FastifyRequest): void {
  const { 'content-encoding': content = 'identity', 'transfer-encoding': transfer = 'chunked' } = headers;
  if (!/^identity$/i.test(content)) throw encoded('content-encoding', content);
  if (!/^chunked$/i.test(transfer)) throw encoded('transfer-encoding', transfer);
}

function encoded(field: string, encoding: string): CarillonError {
  const value = encoding.slice(0, 80);
  return new CarillonError('INVALID_BODY', `Content-Encoding ${JSON.stringify(value)} is not supported.`, {
    field,
    value,
    allowed: 'an uncompressed body',
    source: 'header',
  });
}

/**
 * Sets the body limit of each route that is added afterwards, and refuses a body on routes that need none.
 */
export function limitBodies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.takes === 'jobs') return;
    const most = route.schema?.body === undefined ? apiLimits.noBodyBytes : apiLimits.jobBytes;
    route.bodyLimit ??= Math.min(most, app.initialConfig.bodyLimit ?? most);
    if (route.schema?.body === undefined)
      route.preValidation = [route.preValidation ?? [], refuseFields].flat();
  });
}

/** Accepts `{}`, because some clients always send a body. */
async function refuseFields({ body }: FastifyRequest): Promise<void> {
  if (body === undefined || body === null) return;
  const [name] = typeof body === 'object' ? Object.keys(body) : ['body'];
  if (name === undefined) return;
  throw new CarillonError('UNKNOWN_FIELD', `Unknown field ${name}: this request has no fields.`, {
    field: name,
    allowed: 'no body, or an empty object',
    source: 'body',
  });
}

/** A null body is not the same as a missing body, although the framework treats it as one. */
function notNull(request: FastifyRequest, body: unknown): unknown {
  if (body !== null || takes(request) !== null) return body;
  throw new CarillonError('INVALID_BODY', 'The body is null, but must be a JSON object.', {
    field: 'body',
    value: null,
    allowed: 'a JSON object',
    source: 'body',
  });
}

/** Parses one JSON value within the limits. INVALID_BODY with line and column. */
export function parseJson(bytes: Uint8Array): unknown {
  const names = boundJson(bytes, 'body');
  const text = decodeUtf8(bytes, 'body');
  if (text.trim() === '') return undefined;
  return readValue(text, names, (place) => place);
}

/** `names` is the number of names in the text; `whole` converts a position in it to one in the body. */
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

/** Splits the body into its jobs. `mistake` is where the text stops being JSON. */
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

/** Converts a position in a part of a text to one in the whole. */
const behind = (start: Place, { line, column }: Place): Place =>
  line === 1
    ? { line: start.line, column: start.column + column - 1 }
    : { line: start.line + line - 1, column };

function notJson({ line, column }: Place): CarillonError {
  return new CarillonError('INVALID_BODY', `The body is not valid JSON at line ${line}, column ${column}.`, {
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
    `The name ${JSON.stringify(field)} occurs twice in one object of the body, the second time at ${place}.`,
    { field, source: `body:${line}:${column}`, allowed: 'each name once' },
  );
}

function noYaml(): CarillonError {
  return new CarillonError('INVALID_BODY', 'The body is YAML, but must be a JSON object.', {
    field: 'body',
    value: 'YAML',
    allowed: 'a JSON object',
    source: 'body',
  });
}

/** Returns the job in the body of a request about one job. */
export function oneJob(body: unknown): WrittenJob {
  if (body === undefined || (body instanceof JobsBody && body.jobs.length === 0)) {
    throw new CarillonError('INVALID_BODY', 'The body contains no job.', {
      field: 'body',
      allowed: 'a job as JSON or YAML',
      source: 'body',
    });
  }
  if (!(body instanceof JobsBody)) return { definition: body, source: 'body' };
  if (body.jobs.length === 1) return body.jobs[0]!;
  throw new CarillonError(
    'INVALID_BODY',
    `The body contains ${body.jobs.length} jobs. To submit several, use POST /api/v1/apply.`,
    {
      field: 'body',
      value: body.jobs.length,
      allowed: 'one job',
      source: 'body',
    },
  );
}

/** Returns the jobs in the body of a request about many: a list, `{ jobs: [...] }`, or a single job. */
export function manyJobs(body: unknown): readonly WrittenJob[] {
  if (body instanceof JobsBody) return body.jobs;
  throw new CarillonError('INVALID_BODY', 'The body contains no jobs.', {
    field: 'body',
    allowed: 'a list of jobs, an object with jobs: [...], or YAML documents',
    source: 'body',
  });
}

function refuseTooMany(count: number): void {
  if (count <= apiLimits.applyJobs) return;
  throw new CarillonError('LIMIT_EXCEEDED', `The body contains ${count} jobs.`, {
    field: 'jobs',
    value: count,
    allowed: `at most ${apiLimits.applyJobs} jobs in one request`,
    source: 'body',
  });
}
