/**
 * The scheduler of one node, which follows or leads; the API uses it. Following: keep a copy of what the
 * leader commits. Leading: bring that copy up to date, learn what the engines run, then decide due times.
 * After a failed loop: discard everything, follow, and stand for election again.
 */

import { CarillonError } from '../../errors.ts';
import type { Asker } from '../access/principal.ts';
import type { AnswerTo, Command, ReportAnswer } from '../command.ts';
import type {
  ClusterView,
  CommitFigures,
  EngineView,
  JobReader,
  JobView,
  Notice,
  OwedNotification,
  PoolView,
  Receivers,
  RunLogChunk,
  RunLogQuery,
  RunReport,
  SchedulerHandle,
} from '../handle.ts';
import type { Alert } from '../model/alert.ts';
import { rerunVariant, runId } from '../model/ids.ts';
import type { Run } from '../model/model.ts';
import type { SigningKey, Token } from '../model/token.ts';
import type { Archive, Launcher, Service } from '../ports.ts';
import { calendarReads } from '../read/calendars.ts';
import { readerOf } from '../read/job-reader.ts';
import { jobView } from '../read/view.ts';
import { endOfSessions, newestKeys } from '../rules/access/commands.ts';
import { isPermitted } from '../rules/access/needs.ts';
import { hostOf } from '../rules/launch.ts';
import { copyRun } from '../state/decision.ts';
import type { State } from '../state/state.ts';
import { within } from '../waiting.ts';
import { Activity } from './activity.ts';
import { withinAge } from './aged-archive.ts';
import { engineViews, poolViews } from './engine-views.ts';
import { CommitTimes } from './health/commit-times.ts';
import { TAKE_OVER_MS, Unled } from './health/unled.ts';
import { Leadership } from './leadership.ts';
import { LentEngine } from './lent-engine.ts';
import { Listeners } from './listeners.ts';
import { notLeading } from './loop.ts';
import { Beats } from './outbox/beats.ts';
import { owedIn } from './outbox/delivery.ts';
import { Messages } from './outbox/messages.ts';
import { submitReport } from './output/reports.ts';
import { runOutput } from './output/run-output.ts';
import type { EngineOf } from './perform.ts';
import { RepeatedFailure } from './repeated-failure.ts';
import { Replica } from './replica.ts';
import type { SchedulerParts } from './scheduler-parts.ts';

const toBoolean = [() => true, () => false] as const;
/** Delay before the node stands for election again after a failed commit. */
const RESTART_MS = 1_000;

export class Scheduler implements SchedulerHandle, Service {
  readonly archive: Archive;
  readonly #parts: SchedulerParts;
  readonly #launchers: ReadonlyMap<string, Launcher>;
  readonly #lent = new Map<string, LentEngine>();
  readonly #listeners: Listeners;
  #leading: Leadership | null = null;
  /** While this node does not lead. */
  #replica: Replica | null = null;
  /** The state led until now, for reads while the copy is being loaded. */
  #former: State | null = null;
  readonly #unled: Unled;
  readonly #commits: CommitTimes;
  readonly #activity: Activity;
  readonly #messages: Messages;
  /** Of commits and elections. */
  readonly #failure: RepeatedFailure;
  #takeover: ClusterView['takeover'] = null;
  #stopped = false;
  /** Changes of leadership run one after another. */
  #transition: Promise<void> = Promise.resolve();

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.archive = withinAge(parts);
    this.#listeners = new Listeners(parts);
    new Beats(parts, this);
    this.#unled = new Unled(parts);
    this.#commits = new CommitTimes(parts);
    this.#activity = new Activity(parts);
    this.#messages = new Messages(parts, this);
    this.#failure = new RepeatedFailure({ ...parts, event: 'leadership.broken', level: 'error' });
    this.#launchers = new Map(parts.launchers.map((launcher) => [launcher.engine, launcher]));
  }

  async start(): Promise<void> {
    const { election, clock, launchers, installation } = this.#parts;
    for (const launcher of launchers) {
      const lent = new LentEngine({ launcher, installation, clock, term: () => election.term() });
      this.#lent.set(launcher.engine, lent);
      launcher.onObservation((observation) => {
        lent.observed(observation);
        this.#leading?.loop.post({ kind: 'observed', now: clock.now(), observation });
      });
      await launcher.start();
      if (this.#stopped) return;
    }
    this.#replica = this.#newReplica(null);
    await this.#replica.load();
    if (this.#stopped) return;
    election.onElected((term) => this.#queue(() => this.#lead(term)));
    election.onDeposed((reason) => this.#queue(() => this.#unlead(reason)));
    await election.start();
    await this.#transition;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const lent of this.#lent.values()) lent.stop();
    const { election, launchers } = this.#parts;
    await this.#queue(() => this.#unlead('stopping'));
    await election.stop();
    this.#replica?.stop();
    for (const launcher of launchers) await launcher.stop();
    this.#activity.stop();
  }

  #queue(change: () => Promise<void>): Promise<void> {
    this.#transition = this.#transition.then(change).catch((error: unknown) => this.#broken(error));
    return this.#transition;
  }

  async #lead(term: number): Promise<void> {
    const { store, clock, log, election, traces, auditSink } = this.#parts;
    await this.#unlead('elected again');
    if (this.#replica === null) return;
    const began = clock.monotonicMs();
    const { state, clockAhead } = await this.#replica.takeOver();
    const leadership = new Leadership({
      ...this.#parts,
      term,
      clockAhead,
      state,
      store: { limits: store.limits, commit: this.#commits.commit },
      launchers: this.#launchers,
      engineOf: this.#engineOf,
      members: () => election.members(),
      isFresh: () => election.isFresh(),
      unledMs: this.#unled.forMs(term, false),
      commits: () => this.#commits.figures(),
      send: this.#messages.send,
      onNotices: (notices, acts, audited) => {
        if (audited.length > 0) auditSink?.write(audited);
        this.#activity.decided(notices, acts);
        traces?.decided(notices);
        this.#listeners.publish(notices);
      },
      onBroken: (error) => this.#broken(error),
    });
    this.#leading = leadership;
    this.#replica = null;
    this.#former = null;
    await leadership.begin();
    if (!leadership.ready) return;
    this.#takeover = { at: clock.now(), tookMs: Math.round(clock.monotonicMs() - began), term };
    this.#listeners.publish([{ kind: 'leader', term, leading: true }]);
    log.info({ term, jobs: state.jobs.size, tookMs: this.#takeover.tookMs }, 'leadership.begun');
  }

  readonly #engineOf: EngineOf = ({ engine, host }) => {
    const { settings, elsewhere } = this.#parts;
    const launcher = this.#launchers.get(engine);
    if (host === null || host === hostOf(settings, engine)) return launcher;
    return launcher?.hosts === undefined ? elsewhere?.({ engine, host }) : launcher.hosts.at(host);
  };

  #newReplica(former: Leadership | null): Replica {
    const { settings, installation, store, clock, log } = this.#parts;
    const onNotices = (notices: readonly Notice[]): void => this.#listeners.publish(notices);
    return new Replica({ settings, installation, store, clock, log, onNotices }, former);
  }

  async #unlead(reason: string): Promise<void> {
    const leading = this.#leading;
    if (leading === null) return;
    await leading.end();
    this.#former = leading.state;
    this.#leading = null;
    this.#listeners.publish([{ kind: 'leader', term: leading.term, leading: false }]);
    this.#parts.log.info({ term: leading.term, reason }, 'leadership.ended');
    if (this.#stopped) return;
    this.#replica = this.#newReplica(leading);
    this.#replica.loadAgain();
  }

  /** A commit failed or an invariant broke: the state in memory can no longer be trusted. */
  #broken(error: unknown): void {
    const { log, clock, election, onFatal } = this.#parts;
    if (!(error instanceof CarillonError) || error.code === 'STORE_DAMAGED') {
      log.error({ error }, 'leadership.broken');
      onFatal(error);
      return;
    }
    this.#failure.failed(error);
    void this.#queue(async () => {
      await this.#unlead(error.message);
      await election.stop();
    });
    clock.after(RESTART_MS, () => {
      if (!this.#stopped) void this.#queue(() => election.start().then(() => this.#failure.over()));
    });
  }

  /** What this node knows: the leader's own state, or the copy of it. */
  #view(): State {
    const state = this.#leading?.state ?? this.#replica?.state ?? this.#former;
    if (state === null || state === undefined)
      throw new CarillonError('STORE_UNAVAILABLE', 'This node has not loaded its copy of the state yet.');
    return state;
  }

  async submit<C extends Command>(command: C, asker?: Asker): Promise<AnswerTo<C>> {
    if (this.#leading !== null && command.kind === 'rerun' && isPermitted(this.#view(), command, asker)) {
      const { run, triggerId } = command;
      // The run of a repeated request may have been created and ended before this node had its copy.
      const made = await this.archive.run(runId(run.job, run.due, rerunVariant(triggerId)));
      if (made !== null) return made as AnswerTo<C>;
    }
    if (this.#leading === null) throw notLeading();
    const answer = this.#leading.loop.submit(command, asker);
    this.#activity.submitted(command, answer);
    return answer;
  }

  async report(report: RunReport, asker?: Asker): Promise<ReportAnswer> {
    if (this.#leading === null) throw notLeading();
    return submitReport(
      { ...this.#parts, archive: this.archive, scheduler: this },
      this.#view(),
      report,
      asker,
    );
  }

  job(name: string): JobView {
    const state = this.#view();
    return jobView(state, state.entry(name));
  }

  jobCount(): number {
    return this.#view().jobs.size;
  }

  reader(): JobReader {
    return readerOf(this.#view());
  }

  jobNames(after: string | null): Iterable<string> {
    return this.#view().names.after(after);
  }

  liveRun(id: string): Run | undefined {
    return this.#view().runs.get(id);
  }

  *liveRuns(): Iterable<Run> {
    yield* this.#view().runs.values();
    if (this.#leading !== null) yield* this.#leading.loop.endingRuns();
  }

  async run(id: string): Promise<Run> {
    const run = this.liveRun(id) ?? this.#leading?.loop.endingRun(id) ?? (await this.archive.run(id));
    if (run === null) {
      const message = `Run '${id}' does not exist or is no longer kept`;
      throw new CarillonError('RUN_NOT_FOUND', message, { field: 'id', value: id });
    }
    return copyRun(run);
  }

  logs(runId: string, query: RunLogQuery): AsyncIterable<RunLogChunk> {
    const isStopped = (): boolean => this.#stopped;
    const parts = { ...this.#parts, runs: this, launchers: this.#launchers, isStopped };
    return runOutput(parts, runId, query);
  }

  async engines(): Promise<EngineView[]> {
    return engineViews({
      launchers: this.#launchers.values(),
      state: this.#view(),
      startQueue: (engine) => this.#leading?.performer.waiting(engine) ?? 0,
      clock: this.#parts.clock,
    });
  }

  tokens(): Iterable<Token> {
    return this.#view().tokens.values();
  }

  token(id: string): Token | undefined {
    return this.#view().tokens.get(id);
  }

  signingKeys(): readonly SigningKey[] {
    return newestKeys(this.#view());
  }

  sessionsEndedAt(id: string): number {
    return endOfSessions(this.#view(), id);
  }

  calendars = () => calendarReads(this.#view());

  alerts(): Iterable<Alert> {
    return this.#view().alerts.values();
  }

  notifications(): readonly OwedNotification[] {
    return owedIn(this.#view().outbox, this.#leading?.delivery);
  }

  receivers = (): Receivers => this.#messages;

  backup(): AsyncIterable<Uint8Array> {
    const { store, self, clock } = this.#parts;
    return store.backup({ version: self.version, now: clock.now() });
  }

  pools(): PoolView[] {
    return poolViews(this.#view());
  }

  commits(): CommitFigures {
    return this.#commits.figures();
  }

  leadership(): { readonly term: number; readonly leading: boolean } {
    return {
      term: this.#leading?.term ?? this.#parts.election.term(),
      leading: this.#leading?.ready === true,
    };
  }

  cluster(): ClusterView {
    const { self, election, store } = this.#parts;
    const { term, leading } = this.leadership();
    const copied = this.#replica !== null && this.#replica.state !== null;
    return {
      role: leading ? 'leader' : copied ? 'follower' : 'starting',
      term,
      leader: election.leader(),
      self,
      members: election.members(),
      lagMs: leading ? 0 : (this.#replica?.lagMs() ?? null),
      store: store.status(),
      unled: this.#unled.forMs(term, leading) > TAKE_OVER_MS,
      takeover: this.#takeover,
    };
  }

  async caughtUp(withinMs: number): Promise<boolean> {
    const { clock } = this.#parts;
    if (this.#replica === null) return this.#leading !== null;
    const caughtUp = this.#replica.caughtUp().then(...toBoolean);
    return (await within(clock, withinMs, caughtUp)) ?? false;
  }

  local(engine: string): LentEngine {
    if (this.#leading !== null || this.#stopped)
      throw new CarillonError(
        'NOT_LEADING',
        'This node leads itself, is still handing over, or is stopping.',
      );
    const lent = this.#lent.get(engine);
    if (lent !== undefined) return lent;
    throw new CarillonError('ENGINE_NOT_CONFIGURED', `The engine '${engine}' is not configured here.`, {
      field: 'engine',
      value: engine,
      allowed: [...this.#launchers.keys()],
    });
  }

  subscribe = (listener: (notice: Notice) => void): (() => void) => this.#listeners.add(listener);

  now = (): number => this.#parts.clock.now();
}
