/**
 * The API over a real scheduler on a simulated clock. Requests are injected; every answer is held to what the
 * OpenAPI document says of its route and status, so a test of anything is a test of the schemas too.
 */

import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { Compile, type Validator } from 'typebox/compile';
import { type AppSettings, type Authenticator, buildApp } from '../../src/api/app.ts';
import type { Credentials } from '../../src/api/guard/credentials.ts';
import { Peers } from '../../src/peers/client.ts';
import type { SchedulerHandle } from '../../src/scheduler/handle.ts';
import type { Log } from '../../src/scheduler/ports.ts';
import { believing, isPeer, noCredentials } from './askers.ts';
import { World } from './world.ts';

export interface Sent {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape was just checked
export type Body = any;

export class ApiWorld {
  readonly world: World;
  readonly app: FastifyInstance;
  /** What was logged as an error, newest last. */
  readonly errors: object[];
  readonly #contract: Contract;

  private constructor(world: World, app: FastifyInstance, errors: object[], contract: Contract) {
    this.world = world;
    this.app = app;
    this.errors = errors;
    this.#contract = contract;
  }

  /** `instead` replaces parts of the scheduler's handle, to make it fail or talk. */
  static async at(
    instant: string,
    settings: AppSettings = {},
    instead: Partial<SchedulerHandle> = {},
  ): Promise<ApiWorld> {
    return ApiWorld.over(await World.at(instant), settings, instead);
  }

  /** One more app over a world that is there already: another node, if `instead` says so. */
  static async over(
    world: World,
    settings: AppSettings = {},
    instead: Partial<SchedulerHandle> = {},
    authenticator: Authenticator = believing(),
    credentials: Credentials = noCredentials(),
  ): Promise<ApiWorld> {
    const errors: object[] = [];
    const log: Log = { info() {}, warn() {}, debug() {}, error: (fields) => errors.push(fields) };
    const scheduler = replacing(world.scheduler, instead);
    const { clock } = world;
    const node = scheduler.cluster().self;
    const app = buildApp({
      clock,
      scheduler,
      log,
      node,
      peers: new Peers(clock, node.id),
      authenticator,
      credentials,
      settings: { isPeer, ...settings },
    });
    await app.ready();
    return new ApiWorld(world, app, errors, new Contract(app.swagger() as unknown as Document));
  }

  /** `send('GET /jobs')`: paths are below /api/v1 unless they begin with `//`. Anything is accepted, as curl does. */
  async send(request: string, { body, headers = {} }: Sent = {}): Promise<LightMyRequestResponse> {
    const [method, path] = request.split(' ', 2) as ['GET', string];
    const url = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
    const response = await this.settled(
      this.app.inject({
        method,
        url,
        headers: { accept: '*/*', ...headers },
        ...(body !== undefined && { payload: body as object }),
      }),
    );
    this.#contract.hold(method, url, response);
    return response;
  }

  /** The body of an answer that is expected to be good. */
  async get(path: string): Promise<Body> {
    return good(await this.send(`GET ${path}`));
  }

  async post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Body> {
    return good(await this.send(`POST ${path}`, { body, ...(headers && { headers }) }));
  }

  /** Lets the simulated clock's work happen until the promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let open = true;
    const done = promise.finally(() => (open = false));
    done.catch(() => {});
    while (open) await this.world.clock.settle();
    return done;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.world.stop();
  }
}

function replacing(scheduler: SchedulerHandle, parts: Partial<SchedulerHandle>): SchedulerHandle {
  return new Proxy(scheduler, {
    get: (target, key) => {
      const value = Reflect.get(key in parts ? parts : target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function good(response: LightMyRequestResponse): Body {
  if (response.statusCode >= 300) throw new Error(`${response.statusCode}: ${response.body}`);
  const type = String(response.headers['content-type']);
  const bodies = bodiesOf(type, response);
  return type.includes('ndjson') ? bodies : bodies[0];
}

/** The body, or each line of JSON. */
function bodiesOf(type: string, response: LightMyRequestResponse): Body[] {
  if (!type.includes('json')) return [response.body];
  if (!type.includes('ndjson')) return [response.json()];
  const lines = response.body.split('\n');
  if (lines.pop() !== '') throw new Error(`the last line has no end: ${response.body}`);
  return lines.map((line) => JSON.parse(line) as Body);
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

export interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

/** The OpenAPI document as a judge. */
class Contract {
  readonly #document: Document;
  readonly #routes: { readonly pattern: RegExp; readonly path: string }[];
  readonly #checks = new Map<string, Validator>();

  constructor(document: Document) {
    this.#document = document;
    this.#routes = Object.keys(document.paths)
      // Literal paths before those with parameters: /jobs/{name} also looks like /jobs/x.
      .sort((a, b) => a.split('{').length - b.split('{').length)
      .map((path) => ({
        path,
        pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      }));
  }

  /** Throws if the answer is not one that the document tells of. */
  hold(method: string, url: string, response: LightMyRequestResponse): void {
    const path = this.#routes.find(({ pattern }) => pattern.test(url.split('?')[0]!))?.path;
    const type = String(response.headers['content-type']).split(';')[0]!;
    if (path === undefined || type === 'text/event-stream') return;
    const operation = this.#document.paths[path]?.[method.toLowerCase()];
    // Broken invariants and what the framework refuses may happen anywhere.
    if (operation === undefined || response.statusCode === 500 || response.statusCode === 413) return;
    const schema = operation.responses[response.statusCode]?.content?.[type]?.schema;
    const name = `${method} ${path} ${response.statusCode} ${type}`;
    if (schema === undefined) throw new Error(`the document has no answer ${name}: ${response.body}`);
    const check = this.#check(name, schema);
    for (const body of bodiesOf(type, response)) {
      if (check.Check(body)) continue;
      const wrong = JSON.stringify(check.Errors(body)).slice(0, 2_000);
      throw new Error(`${name} is not as documented: ${wrong}\n${response.body.slice(0, 2_000)}`);
    }
  }

  #check(name: string, schema: object): Validator {
    const known = this.#checks.get(name);
    if (known !== undefined) return known;
    const check = Compile({ ...schema, components: this.#document.components }) as unknown as Validator;
    this.#checks.set(name, check);
    return check;
  }
}
