/**
 * Schedulers on one simulated clock, store and engine. A scheduler that crashed is cut off: its commits, calls
 * and timers never come to an end, as with a process that is gone.
 */

import { CarillonError } from '../../src/errors.ts';
import type { AnswerTo, Command } from '../../src/scheduler/command.ts';
import type { Notice } from '../../src/scheduler/handle.ts';
import type { Message } from '../../src/scheduler/model/alert.ts';
import type { LedgerLine, Run, Settings } from '../../src/scheduler/model/model.ts';
import type { Notifier } from '../../src/scheduler/notifier.ts';
import type { Clock, Election, Launcher, Log, Store } from '../../src/scheduler/ports.ts';
import type { ReportedOutput } from '../../src/scheduler/reported-output.ts';
import { Scheduler } from '../../src/scheduler/runtime/scheduler.ts';
import { createSoloElection } from '../../src/store/election-solo.ts';
import { createMemoryBacking, createMemoryStore, type MemoryStore } from '../../src/store/memory.ts';
import { createFakeLauncher, FakeEngine } from './fake-launcher.ts';
import { testMember, testSettings } from './rig.ts';
import { SimClock } from './sim-clock.ts';

const endedIn = (notices: readonly Notice[]): Run[] =>
  notices.flatMap((notice) => (notice.kind === 'run' && notice.run.endedAt !== null ? [notice.run] : []));
type LogLine = (level: keyof Log, event: string, fields: object) => void;
const never = new Promise<never>(() => undefined);

/** What may go wrong in the store, per commit. */
export interface StoreFaults {
  /** An error instead of the commit; null: none. */
  fail: () => Error | null;
  /** Takes this long, in which a crash may come: before it was written, or after. */
  delayMs: () => number;
}

export class World {
  readonly clock: SimClock;
  readonly engine: FakeEngine;
  readonly backing = createMemoryBacking();
  readonly notices: Notice[] = [];
  readonly fatal: unknown[] = [];
  readonly faults: StoreFaults = { fail: () => null, delayMs: () => 0 };
  readonly settings: Settings;
  /** Messages that were accepted, by whichever receiver. */
  readonly messages: Message[] = [];
  /** Output of reported runs, by name. */
  readonly outputs = new Map<string, Uint8Array>();
  /** Runs whose ends were given to be traced. */
  readonly traced: Run[] = [];
  /** An error instead of accepting a message. */
  refuses: (receiver: string) => Error | null = () => null;
  fresh = true;
  startsInFlight = 4;
  /** Gets what the scheduler logs. */
  onLog: LogLine = () => undefined;
  scheduler: Scheduler;
  #alive: { yes: boolean } = { yes: false };
  #triggers = 0;

  private constructor(at: string, settings: Settings) {
    this.clock = new SimClock(Date.parse(at));
    this.engine = new FakeEngine(this.clock);
    this.settings = settings;
    this.scheduler = this.#make();
  }

  static async at(instant: string, settings: Settings = testSettings): Promise<World> {
    const world = new World(instant, settings);
    await world.#start();
    return world;
  }

  #make(): Scheduler {
    const alive = { yes: true };
    this.#alive = alive;
    const clock = this.#clockOf(alive);
    const store = this.#storeOf(alive, clock);
    return new Scheduler({
      settings: this.settings,
      installation: 'world',
      self: testMember,
      store,
      election: this.#electionOf(store),
      launchers: [this.#launcherOf(alive)],
      clock,
      log: this.#log(),
      startsInFlight: this.startsInFlight,
      notifier: this.#notifier(),
      reportedOutput: this.#reportedOutput(),
      traces: { decided: (notices) => this.traced.push(...endedIn(notices)) },
      onFatal: (error) => this.fatal.push(error),
    });
  }

  #notifier(): Notifier {
    return {
      receivers: new Set(['pager', 'mail']),
      start: async () => undefined,
      stop: async () => undefined,
      send: async (receiver, message) => {
        const error = this.refuses(receiver);
        if (error !== null) throw error;
        this.messages.push(message);
      },
    };
  }

  #reportedOutput(): ReportedOutput {
    const { outputs } = this;
    return {
      host: null,
      keep: async (launchName, bytes) => void outputs.set(launchName, bytes),
      async *read(launchName) {
        const bytes = outputs.get(launchName);
        if (bytes === undefined) throw new CarillonError('LOGS_GONE', `${launchName} is not kept.`);
        yield { stream: 'stdout', bytes };
      },
    };
  }

  #log(): Log {
    const at = (level: keyof Log) => (fields: object, event: string) => this.onLog(level, event, fields);
    return { info: at('info'), warn: at('warn'), error: at('error'), debug: at('debug') };
  }

  #electionOf(store: MemoryStore): Election {
    return { ...createSoloElection(store, testMember), isFresh: () => this.fresh };
  }

  #clockOf(alive: { yes: boolean }): Clock {
    return {
      now: () => this.clock.now(),
      monotonicMs: () => this.clock.monotonicMs(),
      after: (delayMs, callback) => this.clock.after(delayMs, () => alive.yes && callback()),
    };
  }

  #storeOf(alive: { yes: boolean }, clock: Clock): MemoryStore {
    const store = createMemoryStore(this.backing);
    const wait = (ms: number): Promise<void> =>
      ms === 0 ? Promise.resolve() : new Promise((done) => clock.after(ms, done));
    const commit: Store['commit'] = async (term, groups) => {
      const delayMs = this.faults.delayMs();
      await wait(delayMs / 2);
      if (!alive.yes) return never;
      const error = this.faults.fail();
      if (error !== null) throw error;
      await store.commit(term, groups);
      await wait(delayMs / 2);
      return alive.yes ? undefined : never;
    };
    return { ...store, commit };
  }

  #launcherOf(alive: { yes: boolean }): Launcher {
    const launcher = createFakeLauncher(this.engine);
    const guard =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        if (!alive.yes) return never;
        const answer = await call(...args);
        return alive.yes ? answer : never;
      };
    return {
      ...launcher,
      onObservation: (listener) =>
        launcher.onObservation((observation) => alive.yes && listener(observation)),
      launch: guard(launcher.launch),
      kill: guard(launcher.kill),
      remove: guard(launcher.remove),
      inventory: guard(launcher.inventory),
    };
  }

  async #start(): Promise<void> {
    this.scheduler.subscribe((notice) => this.notices.push(notice));
    let started = false;
    void this.scheduler.start().then(() => {
      started = true;
    });
    // Engines that hang hold up the start for a bounded time.
    for (let i = 0; i < 100 && !started; i++) await this.clock.advance(100);
    if (!started) throw new Error('the scheduler did not start');
  }

  /** The process is gone between two instructions. */
  async crash(): Promise<void> {
    this.#alive.yes = false;
    await this.clock.settle();
  }

  async startAnother(): Promise<void> {
    this.scheduler = this.#make();
    await this.#start();
  }

  async stop(): Promise<void> {
    const stopped = this.scheduler.stop();
    await this.clock.settle();
    await stopped;
  }

  async submit<C extends Command>(command: C): Promise<AnswerTo<C>> {
    const answer = this.scheduler.submit(command);
    let answered = false;
    const done = (): void => {
      answered = true;
    };
    answer.then(done, done);
    await this.clock.settle();
    // A slow commit needs its time; one of a crashed scheduler never comes.
    for (let i = 0; i < 100 && !answered && this.#alive.yes; i++) await this.clock.advance(20);
    return answer;
  }

  async put(...definitions: ({ name: string } & Record<string, unknown>)[]): Promise<void> {
    for (const definition of definitions) {
      await this.submit({
        kind: 'put-job',
        definition: { run: { command: 'true' }, ...definition },
        mode: 'replace',
        by: 'test',
        source: 'test',
      });
    }
  }

  trigger(name: string): Promise<Run> {
    this.#triggers += 1;
    return this.submit({
      kind: 'trigger',
      name,
      triggerId: `t${this.#triggers}`.padStart(4, '0'),
      params: {},
      by: 'test',
    });
  }

  async history(job?: string): Promise<Run[]> {
    return (
      await this.scheduler.archive.runs({ limit: 100_000, ...(job === undefined ? {} : { job }) })
    ).items.reverse();
  }

  ledger(job: string): Promise<LedgerLine[]> {
    return this.scheduler.archive.ledger({ job, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100_000 });
  }
}
