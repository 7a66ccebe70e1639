/**
 * Searches the output of a run, or of the newest runs of a job, and streams what it finds. Each attempt is searched on the
 * node that has its output, so only hits travel between nodes. A search is bounded, and its last line says what was
 * searched.
 */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import type { PeerFailure } from '../../peers/client.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { Run } from '../../scheduler/model/model.ts';
import { within } from '../../scheduler/waiting.ts';
import { type ApiContext, type Reading, readingFor } from '../context.ts';
import { answers, type Identified, identified, type Named, named, query, span } from '../endpoint.ts';
import { holdWhileOpen } from '../guard/room.ts';
import { listRuns } from '../lists/run-list.ts';
import { LogSearch } from '../log-search.ts';
import { askFor, hostWith, othersWith } from '../peers/outputs.ts';
import { isForwarded } from '../peers/relay.ts';
import { stopOf } from '../stop.ts';
import { readSpan } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { WireLogFinding, type WireLogHit, type WireLogSearchEnd } from '../wire/log-search.ts';
import { ref } from '../wire/shape.ts';

const { searchText, searchContext, searchHits, searchBytes, searchRuns } = apiLimits;

const upTo = ({ most, usual }: { readonly most: number; readonly usual: number }, what: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: most,
      description: `${what} Default: ${usual.toLocaleString('en-US')}.`,
    }),
  );

const searching = {
  text: Type.String({
    minLength: 1,
    maxLength: searchText,
    description: 'Plain text within one line.',
    pattern: '^[^\\n]+$',
  }),
  ignoreCase: Type.Optional(Type.Boolean({ description: 'Default: false.' })),
  stream: Type.Optional(oneOf(['stdout', 'stderr'], { description: 'Default: both.' })),
  context: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: searchContext,
      description: 'Lines of the same stream to return before and after each hit. Default: 0.',
    }),
  ),
  limit: upTo(searchHits, 'End after this number of hits.'),
  bytes: upTo(searchBytes, 'End after about this number of bytes of output.'),
};
const RunQuery = query({
  ...searching,
  attempt: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Default: all attempts, newest first.' }),
  ),
});
const JobQuery = query({ ...searching, ...span, runs: upTo(searchRuns, 'End after this number of runs.') });

/** After this time the response begins, whether anything was found or not. */
const firstHitMs = 500;
/** Runs per read. */
const runsAtOnce = 50;
/** Longer than any hit. */
const longestLine = 1024 * 1024;

const description =
  'Lines of JSON: a LogHit for each line that has the text, oldest first within an attempt, and a LogSearchEnd as ' +
  'the last. Without that, the answer is incomplete. Plain text only; a search that reaches a bound says so.';
const good = {
  200: { description: 'Hits, and the end', type: 'application/x-ndjson', schema: ref(WireLogFinding) },
};

export function logSearchRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Identified; Querystring: Static<typeof RunQuery> }>(
    '/runs/:id/logs/search',
    {
      config: { needs: 'logs', waits: true },
      exposeHeadRoute: false,
      schema: {
        summary: 'Search the output of a run',
        description,
        tags: ['runs'],
        operationId: 'searchLogs',
        params: identified,
        querystring: RunQuery,
        response: answers(good, ['RUN_NOT_FOUND', 'BUSY']),
      },
    },
    async (request, reply) => {
      const { attempt } = request.query;
      const run = await context.as(request).run(request.params.id);
      const attempts = run.attempts.filter(({ number }) => attempt === undefined || number === attempt);
      if (attempt !== undefined && attempts.length === 0)
        throw new CarillonError('RUN_NOT_FOUND', `Run '${run.id}' has no attempt ${attempt}.`, {
          field: 'attempt',
          value: attempt,
          allowed: run.attempts.map(({ number }) => String(number)),
        });
      const search = new Search(context, request, reply);
      return search.answer([{ ...run, attempts }]);
    },
  );

  app.get<{ Params: Named; Querystring: Static<typeof JobQuery> }>(
    '/jobs/:name/logs/search',
    {
      config: { needs: 'logs', waits: true },
      exposeHeadRoute: false,
      schema: {
        summary: "Search the output of a job's runs",
        description: `Newest run first. ${description}`,
        tags: ['runs'],
        operationId: 'searchJobLogs',
        params: named,
        querystring: JobQuery,
        response: answers(good, ['JOB_NOT_FOUND', 'BUSY']),
      },
    },
    async (request, reply) => {
      const { name } = context.as(request).job(request.params.name).job;
      const filter = { job: name, ...readSpan(request.query) };
      const search = new Search(context, request, reply);
      return search.answer(
        newestRuns(readingFor(context, request), filter),
        request.query.runs ?? searchRuns.usual,
      );
    },
  );
}

async function* newestRuns(
  reading: Reading,
  filter: { readonly job: string; readonly fromMs?: number; readonly toMs?: number },
): AsyncGenerator<Run> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Awaited<ReturnType<typeof listRuns>> = await listRuns(reading, {
      ...filter,
      limit: runsAtOnce,
      ...(cursor !== undefined && { cursor }),
    });
    yield* page.items;
    cursor = page.next;
  }
}

type Runs = Iterable<Run> | AsyncIterable<Run>;
type Place = Pick<WireLogHit, 'run' | 'attempt'>;

/** One request. */
class Search {
  readonly #context: ApiContext;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #stop: AbortController;
  readonly #query: Static<typeof RunQuery>;
  readonly #most: { readonly hits: number; readonly bytes: number };
  readonly #end: WireLogSearchEnd = {
    kind: 'end',
    hits: 0,
    runs: 0,
    attempts: 0,
    bytes: 0,
    reached: null,
    gone: 0,
    failed: 0,
    failure: null,
  };

  /** BUSY if there are too many. */
  constructor(context: ApiContext, request: FastifyRequest, reply: FastifyReply) {
    this.#context = context;
    this.#request = request;
    this.#reply = reply;
    holdWhileOpen(context.searches, request, reply);
    this.#stop = stopOf(context, reply);
    this.#query = request.query as Static<typeof RunQuery>;
    const { limit = searchHits.usual, bytes = searchBytes.usual } = this.#query;
    this.#most = { hits: limit, bytes };
  }

  async answer(runs: Runs, mostRuns = 1): Promise<FastifyReply> {
    const lines = this.#lines(runs, mostRuns);
    const first = lines.next();
    await within(this.#context.clock, firstHitMs, first);
    this.#reply.type('application/x-ndjson; charset=utf-8');
    return this.#reply.send(Readable.from(chain(first, lines, this.#stop)));
  }

  async *#lines(runs: Runs, mostRuns: number): AsyncGenerator<string> {
    const lineOf = (finding: WireLogFinding): string => `${JSON.stringify(finding)}\n`;
    for await (const run of runs) {
      if (this.#end.runs >= mostRuns) this.#end.reached ??= 'runs';
      if (this.#isOver) break;
      this.#end.runs++;
      for (const attempt of run.attempts.toReversed()) {
        if (this.#isOver) break;
        for await (const hit of this.#attempt({ run: run.id, attempt: attempt.number })) {
          this.#end.hits++;
          yield lineOf(hit);
        }
      }
    }
    if (this.#context.closing.aborted) throw new CarillonError('STORE_UNAVAILABLE', 'This node is stopping.');
    yield lineOf(this.#end);
  }

  get #isOver(): boolean {
    return this.#end.reached !== null || this.#stop.signal.aborted;
  }

  /** What cannot be read is counted: it must not hide what is found elsewhere. */
  async *#attempt(place: Place): AsyncGenerator<WireLogHit> {
    try {
      yield* this.#here(place);
      this.#end.attempts++;
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code === 'FORBIDDEN') throw error;
      if (error.code !== 'LOGS_GONE') this.#failed(error.message);
      else if (isForwarded(this.#request)) this.#end.gone++;
      else yield* this.#elsewhere(place, error);
    }
  }

  async *#here(place: Place, more: { readonly anywhere?: true } = {}): AsyncGenerator<WireLogHit> {
    const { as, turns } = this.#context;
    const { text, ignoreCase = false, context = 0, stream } = this.#query;
    const search = new LogSearch({ text, ignoreCase, context }, this.#most.hits - this.#end.hits);
    const chunks = as(this.#request).logs(place.run, {
      attempt: place.attempt,
      timestamps: true,
      ...more,
      ...(stream !== undefined && { stream }),
      signal: this.#stop.signal,
    });
    const turn = await turns.begin();
    const hits = async function* (steps: ReturnType<LogSearch['end']>): AsyncGenerator<WireLogHit> {
      for (const found of steps) {
        for (const each of found) yield { kind: 'hit', ...place, ...each };
        if (turn.isOver()) await turn.next();
      }
    };
    for await (const chunk of chunks) {
      if (this.#end.bytes >= this.#most.bytes) this.#end.reached = 'bytes';
      if (this.#isOver) break;
      this.#end.bytes += chunk.bytes.length;
      yield* hits(search.add(chunk));
      if (search.isFull) {
        this.#end.reached = 'limit';
        return;
      }
    }
    yield* hits(search.end());
    if (search.isFull) this.#end.reached ??= 'limit';
  }

  /** Asks the host, or else one node after the other until one has the output, and then the archive. */
  async *#elsewhere(place: Place, gone: CarillonError): AsyncGenerator<WireLogHit> {
    const { run, attempt } = place;
    const host = hostWith(gone);
    const { text, ignoreCase = false, context = 0, stream } = this.#query;
    const asked = new URLSearchParams({
      text,
      attempt: String(attempt),
      limit: String(this.#most.hits - this.#end.hits),
      bytes: String(Math.max(1, this.#most.bytes - this.#end.bytes)),
      ignoreCase: String(ignoreCase),
      context: String(context),
      ...(stream !== undefined && { stream }),
    });
    const path = `/api/v1/runs/${encodeURIComponent(run)}/logs/search?${asked}`;
    const others = othersWith(this.#context, host);
    const silent: string[] = [...(gone.details.names ?? [])];
    if (host !== null && others.length === 0) silent.push(host);
    for (const member of others) {
      const end = yield* this.#at(member, path);
      if (end === null) silent.push(member.url);
      else if (end.gone === 0) {
        const { attempts, bytes, reached, failed, failure } = end;
        this.#end.attempts += attempts;
        this.#end.bytes += bytes;
        this.#end.reached = reached;
        if (failed > 0) this.#failed(failure ?? '');
        return;
      }
      if (this.#isOver) return;
    }
    if (host !== null) {
      try {
        yield* this.#here(place, { anywhere: true });
        this.#end.attempts++;
        return;
      } catch (error) {
        if (!(error instanceof CarillonError) || error.code !== 'LOGS_GONE') throw error;
        silent.push(...(error.details.names ?? []));
      }
    }
    if (silent.length === 0) this.#end.gone++;
    else
      this.#failed(
        `The output of '${run}' may be on ${silent.join(', ')}, which cannot be reached at the moment.`,
      );
  }

  /** Returns how its search ended, or null without an answer to the end. */
  async *#at(
    member: Parameters<typeof askFor>[2],
    path: string,
  ): AsyncGenerator<WireLogHit, WireLogSearchEnd | null> {
    const answer = await askFor(this.#context, this.#request, member, {
      path,
      live: false,
      stop: this.#stop.signal,
    });
    if (answer === null) return null;
    if (answer.status !== 200) {
      answer.discard();
      return null;
    }
    try {
      for await (const line of linesOf(answer.body)) {
        const finding = JSON.parse(line) as WireLogFinding;
        if (finding.kind === 'end') return finding;
        yield finding;
      }
    } catch (error) {
      if (!isBroken(error)) throw error;
    } finally {
      answer.discard();
    }
    return null;
  }

  #failed(why: string): void {
    this.#end.failed++;
    this.#end.failure ??= why;
  }
}

const isBroken = (error: unknown): error is PeerFailure | SyntaxError =>
  error instanceof Error && (error.name === 'PeerFailure' || error.name === 'SyntaxError');

/** Fails with a `SyntaxError` for what cannot be a line of ours. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) {
    const lines = (text + decoder.decode(piece, { stream: true })).split('\n');
    text = lines.pop() ?? '';
    if (text.length > longestLine) throw new SyntaxError('a line that does not end');
    yield* lines;
  }
}

/** Yields what was already read, then the rest. The response may begin between the two. */
async function* chain(
  first: Promise<IteratorResult<string>>,
  rest: AsyncIterator<string>,
  stop: AbortController,
): AsyncGenerator<string> {
  try {
    for (let next = await first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    stop.abort();
    await rest.return?.();
  }
}
