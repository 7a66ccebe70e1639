/**
 * The scheduler of one node: it leads or waits, and is what the API holds. Leading means: load what is
 * stored, learn what the engines run, then let time in. A broken loop means: throw everything away and ask
 * to lead again.
 */

import { CarillonError, InvariantError } from '../../errors.ts';
import type { AnswerTo, Command } from '../command.ts';
import { copyRun } from '../decision.ts';
import { CLOCK_BACK_MS } from '../due.ts';
import type { EngineView, JobView, Notice, SchedulerHandle } from '../handle.ts';
import type { Run, Settings } from '../model.ts';
import type {
  Archive,
  Clock,
  Election,
  Launcher,
  Log,
  LogChunk,
  LogQuery,
  Service,
  Store,
} from '../ports.ts';
import { isEnded } from '../run-state.ts';
import { State } from '../state.ts';
import { jobView } from '../view.ts';
import { Inventories } from './inventories.ts';
import { Loop, notLeading } from './loop.ts';
import { Performer } from './perform.ts';
import { Ticker } from './ticker.ts';

export interface SchedulerParts {
  readonly settings: Settings;
  /** Identity of the installation; see `Store.cluster`. */
  readonly cluster: string;
  /** Open; whoever opened it closes it after the scheduler has stopped. */
  readonly store: Store;
  readonly election: Election;
  readonly launchers: readonly Launcher[];
  readonly clock: Clock;
  readonly log: Log;
  readonly startsInFlight: number;
  /** The node can't go on: a broken invariant. The process should end. */
  readonly onFatal: (error: unknown) => void;
}

/** Taking over waits this long for engines to say what they run before time is let in. */
const INVENTORY_WAIT_MS = 5_000;
/** After a failed commit the node asks to lead again after this long. */
const RESTART_MS = 1_000;

interface Leadership {
  readonly term: number;
  readonly state: State;
  readonly loop: Loop;
  readonly performer: Performer;
  readonly ticker: Ticker;
  readonly inventories: Inventories;
  ready: boolean;
}

export class Scheduler implements SchedulerHandle, Service {
  readonly #parts: SchedulerParts;
  readonly #launchers: ReadonlyMap<string, Launcher>;
  readonly #listeners = new Set<(notice: Notice) => void>();
  #leading: Leadership | null = null;
  #term = 0;
  #stopped = false;
  /** Changes of leadership happen one after the other. */
  #transition: Promise<void> = Promise.resolve();

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#launchers = new Map(parts.launchers.map((launcher) => [launcher.engine, launcher]));
  }

  get archive(): Archive {
    return this.#parts.store.archive;
  }

  async start(): Promise<void> {
    const { election, clock, launchers } = this.#parts;
    for (const launcher of launchers) {
      launcher.onObservation((observation) =>
        this.#leading?.loop.post({ kind: 'observed', now: clock.now(), observation }),
      );
      await launcher.start();
    }
    election.onElected((term) => this.#queue(() => this.#lead(term)));
    election.onDeposed((reason) => this.#queue(() => this.#unlead(reason)));
    await election.start();
    await this.#transition;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const { election, launchers } = this.#parts;
    await this.#queue(() => this.#unlead('stopping'));
    await election.stop();
    for (const launcher of launchers) await launcher.stop();
  }

  #queue(change: () => Promise<void>): Promise<void> {
    this.#transition = this.#transition.then(change).catch((error: unknown) => this.#broken(error));
    return this.#transition;
  }

  async #lead(term: number): Promise<void> {
    const { settings, cluster, store, clock, log, startsInFlight, election } = this.#parts;
    const began = clock.monotonicMs();
    const state = new State(settings, cluster);
    for await (const items of store.load()) state.load(items);
    state.ready();
    const performer = new Performer({
      launchers: this.#launchers,
      clock,
      log,
      startsInFlight,
      isFresh: () => election.isFresh(),
      post: (event) => loop.post(event),
    });
    const ticker = new Ticker({
      clock,
      log,
      earliest: () => state.timetable.earliest(),
      onDue: (now) => loop.post({ kind: 'tick', now }),
      onSetBack: (now, byMs) => {
        if (byMs > CLOCK_BACK_MS) loop.post({ kind: 'clock-set-back', now });
      },
    });
    const loop = new Loop({
      state,
      term,
      store,
      clock,
      onEffects: (effects) => performer.perform(effects),
      onNotices: (notices) => this.#publish(notices),
      onDecided: () => ticker.rearm(),
      onBroken: (error) => this.#broken(error),
    });
    const inventories = new Inventories({
      launchers: this.#launchers,
      clock,
      log,
      post: (event) => loop.post(event),
    });
    const leadership: Leadership = { term, state, loop, performer, ticker, inventories, ready: false };
    this.#leading = leadership;
    this.#term = term;
    loop.post({ kind: 'leading', now: clock.now(), term });
    await inventories.takeOver(INVENTORY_WAIT_MS);
    if (this.#leading !== leadership) return;
    ticker.start();
    leadership.ready = true;
    this.#publish([{ kind: 'leader', term, leading: true }]);
    log.info({ term, jobs: state.jobs.size, tookMs: Math.round(clock.monotonicMs() - began) }, 'leading');
  }

  async #unlead(reason: string): Promise<void> {
    const leading = this.#leading;
    if (leading === null) return;
    leading.ready = false;
    leading.ticker.stop();
    leading.inventories.stop();
    await leading.loop.stop();
    await leading.performer.stop();
    this.#leading = null;
    this.#publish([{ kind: 'leader', term: leading.term, leading: false }]);
    this.#parts.log.info({ term: leading.term, reason }, 'not-leading');
  }

  /** A commit failed, or something broke that must not: what is in memory is not to be trusted any more. */
  #broken(error: unknown): void {
    const { log, clock, election, onFatal } = this.#parts;
    log.error({ error }, 'leadership-broken');
    if (!(error instanceof CarillonError) || error instanceof InvariantError) {
      onFatal(error);
      return;
    }
    void this.#queue(async () => {
      await this.#unlead(error.message);
      await election.stop();
    });
    clock.after(RESTART_MS, () => {
      if (!this.#stopped) void this.#queue(() => election.start());
    });
  }

  #publish(notices: readonly Notice[]): void {
    for (const notice of notices) for (const listener of this.#listeners) listener(notice);
  }

  #leader(): Leadership {
    if (this.#leading === null) throw notLeading();
    return this.#leading;
  }

  submit<C extends Command>(command: C): Promise<AnswerTo<C>> {
    return this.#leading === null ? Promise.reject(notLeading()) : this.#leading.loop.submit(command);
  }

  job(name: string): JobView {
    const { state } = this.#leader();
    return jobView(state, state.entry(name));
  }

  jobCount(): number {
    return this.#leader().state.jobs.size;
  }

  *jobNames(after: string | null): Iterable<string> {
    const names = this.#leader().state.sortedNames();
    let low = 0;
    let high = after === null ? 0 : names.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((names[middle] as string) <= (after as string)) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < names.length; at++) yield names[at] as string;
  }

  liveRun(id: string): Run | undefined {
    return this.#leader().state.runs.get(id);
  }

  *liveRuns(): Iterable<Run> {
    const { state, loop } = this.#leader();
    yield* state.runs.values();
    yield* loop.endingRuns();
  }

  async run(id: string): Promise<Run> {
    const run = this.liveRun(id) ?? this.#leader().loop.endingRun(id) ?? (await this.archive.run(id));
    if (run === null) {
      throw new CarillonError('RUN_NOT_FOUND', `there is no run '${id}', or it is no longer kept`, {
        field: 'id',
        value: id,
      });
    }
    return copyRun(run);
  }

  async *logs(runId: string, query: LogQuery & { readonly attempt?: number }): AsyncIterable<LogChunk> {
    let run = await this.run(runId);
    const wanted = (): Run['attempts'][number] | undefined =>
      query.attempt === undefined
        ? run.attempts.at(-1)
        : run.attempts.find((each) => each.number === query.attempt);
    while (
      query.follow === true &&
      wanted()?.startedAt == null &&
      !isEnded(run.state) &&
      query.signal?.aborted !== true
    ) {
      run = await this.#nextChange(run, query);
    }
    const attempt = wanted();
    if (attempt === undefined) {
      if (query.attempt === undefined) return;
      throw new CarillonError('RUN_NOT_FOUND', `the run '${runId}' has no attempt ${query.attempt}`, {
        field: 'attempt',
        value: query.attempt,
        allowed: run.attempts.map((each) => String(each.number)),
      });
    }
    const launcher = this.#launchers.get(attempt.engine);
    if (launcher === undefined) {
      throw new CarillonError('LOGS_GONE', `the engine '${attempt.engine}' is not configured any more`);
    }
    // Refused before anything ran: there is nothing to read, and nothing went wrong.
    if (attempt.startedAt === null) return;
    yield* launcher.logs(attempt.launchName, query);
  }

  /** Resolves with the run after its next change, or as it is when the reader goes away. */
  #nextChange(run: Run, query: LogQuery): Promise<Run> {
    return new Promise((resolve) => {
      const done = (changed: Run): void => {
        unsubscribe();
        query.signal?.removeEventListener('abort', aborted);
        resolve(changed);
      };
      const aborted = (): void => done(run);
      const unsubscribe = this.subscribe((notice) => {
        if (notice.kind === 'run' && notice.run.id === run.id) done(notice.run);
        if (notice.kind === 'leader' && !notice.leading) done({ ...run, state: 'lost' });
      });
      query.signal?.addEventListener('abort', aborted);
      // It may have changed between the read and the subscription.
      const now = this.#leading?.state.runs.get(run.id);
      if (now === undefined || now.attempts.at(-1)?.startedAt != null)
        void this.run(run.id).then(done, () => done(run));
    });
  }

  async engines(): Promise<EngineView[]> {
    const leading = this.#leading;
    const running = new Map<string, number>();
    for (const run of leading?.state.runs.values() ?? []) {
      const attempt = run.attempts.at(-1);
      if (attempt === undefined || (run.state !== 'launching' && run.state !== 'running')) continue;
      running.set(attempt.engine, (running.get(attempt.engine) ?? 0) + 1);
    }
    return Promise.all(
      [...this.#launchers.values()].map(async (launcher) => ({
        name: launcher.engine,
        ...(await launcher.describe()),
        running: running.get(launcher.engine) ?? 0,
        startQueue: leading?.performer.waiting(launcher.engine) ?? 0,
      })),
    );
  }

  leadership(): { readonly term: number; readonly leading: boolean } {
    return { term: this.#term, leading: this.#leading?.ready === true };
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  now(): number {
    return this.#parts.clock.now();
  }
}
