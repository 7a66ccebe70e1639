/**
 * The pure core with a store of plain maps: time, engines and crashes are calls. `restart` keeps only what
 * was written, so every rule can be asked whether it survives.
 */

import type { Asker } from '../../src/scheduler/access/principal.ts';
import type { AnswerTo, Command } from '../../src/scheduler/command.ts';
import { checkCommand, decide, decideRefused } from '../../src/scheduler/decide.ts';
import type { ClockAhead, Event } from '../../src/scheduler/event.ts';
import type { JobView } from '../../src/scheduler/handle.ts';
import type { Alert, Notification } from '../../src/scheduler/model/alert.ts';
import type { Backfill, Backfilled, BackfillPlan } from '../../src/scheduler/model/backfill.ts';
import type {
  CalendarRevision,
  MaintenanceMode,
  StoredCalendar,
} from '../../src/scheduler/model/calendar.ts';
import type { Job, JobState, JobStats, LedgerLine, Run, Settings } from '../../src/scheduler/model/model.ts';
import { textOrNull } from '../../src/scheduler/model/reason.ts';
import type { AuditLine, SigningKey, Token } from '../../src/scheduler/model/token.ts';
import type { LaunchReport, Member } from '../../src/scheduler/ports.ts';
import { jobView } from '../../src/scheduler/read/view.ts';
import { alertKey, byKind, type Rules, type WrittenName } from '../../src/scheduler/records/table.ts';
import { runningOn } from '../../src/scheduler/rules/reconcile.ts';
import type { Decision, Effect } from '../../src/scheduler/state/decision.ts';
import { State } from '../../src/scheduler/state/state.ts';
import { abilities } from './engines.ts';

export const testMember: Member = {
  id: 'node-1',
  url: 'http://127.0.0.1:4400',
  host: 'here',
  pid: 42,
  version: '0.1.0',
};

export const testSettings: Settings = {
  engines: { process: { concurrency: null, abilities: abilities.process, tombstoneMs: 600_000 } },
  pools: { etl: 2 },
};

/** What a store would keep. */
const keeps: Rules<WrittenName, Rig, void> = {
  job: ({ jobs }, job) => void jobs.set(job.name, job),
  'job-removed': ({ jobs, states, stats }, { job }) => {
    for (const map of [jobs, states, stats]) map.delete(job);
  },
  state: ({ states }, state) => void states.set(state.name, structuredClone(state)),
  stats: ({ stats }, value) => void stats.set(value.name, value),
  run: ({ live }, run) => void live.set(run.id, structuredClone(run)),
  'run-ended': ({ live, history }, run) => {
    live.delete(run.id);
    history.push(structuredClone(run));
  },
  ledger: ({ ledger }, line) => void ledger.set(`${line.job}/${line.from}`, line),
  alert: ({ alerts }, alert) => void alerts.set(alertKey(alert), alert),
  'alert-ended': ({ alerts, endedAlerts }, alert) => {
    alerts.delete(alertKey(alert));
    endedAlerts.push(alert);
  },
  notification: ({ owed }, notification) => void owed.set(notification.id, notification),
  'notification-ended': ({ owed }, { id }) => void owed.delete(id),
  token: ({ tokens }, token) => void tokens.set(token.id, token),
  'token-removed': ({ tokens }, { id }) => void tokens.delete(id),
  'signing-key': ({ keys }, key) => void keys.set(key.id, key),
  'signing-key-removed': ({ keys }, { id }) => void keys.delete(id),
  'sessions-end': ({ ends }, { id, at }) => void ends.set(id, at),
  'sessions-end-removed': ({ ends }, { id }) => void ends.delete(id),
  audit: ({ audit }, line) => void audit.push(line),
  calendar: ({ calendars }, calendar) => void calendars.set(calendar.name, calendar),
  'calendar-removed': ({ calendars }, { name }) => void calendars.delete(name),
  'calendar-revision': ({ calendarRevisions }, revision) => void calendarRevisions.push(revision),
  maintenance: ({ maintenance }, mode) => void maintenance.set(mode.id, mode),
  'maintenance-ended': ({ maintenance }, { id }) => void maintenance.delete(id),
  backfill: ({ backfills }, backfill) => void backfills.set(backfill.id, backfill),
  'backfill-plan': ({ plans }, plan) => void plans.set(plan.id, plan),
  'backfill-ended': ({ backfills, plans, endedBackfills }, backfill) => {
    for (const map of [backfills, plans]) map.delete(backfill.id);
    endedBackfills.push(backfill);
  },
  backfilled: ({ backfilled }, each) => void backfilled.set(`${each.job}/${each.due}`, each),
};

export class Rig {
  now: number;
  state: State;
  term = 0;
  readonly settings: Settings;
  readonly effects: Effect[] = [];
  readonly jobs = new Map<string, Job>();
  readonly states = new Map<string, JobState>();
  readonly stats = new Map<string, JobStats>();
  readonly live = new Map<string, Run>();
  readonly history: Run[] = [];
  readonly ledger = new Map<string, LedgerLine>();
  readonly alerts = new Map<string, Alert>();
  readonly endedAlerts: Alert[] = [];
  readonly owed = new Map<string, Notification>();
  readonly tokens = new Map<string, Token>();
  readonly keys = new Map<string, SigningKey>();
  readonly ends = new Map<string, number>();
  readonly audit: AuditLine[] = [];
  readonly calendars = new Map<string, StoredCalendar>();
  readonly calendarRevisions: CalendarRevision[] = [];
  readonly maintenance = new Map<string, MaintenanceMode>();
  readonly backfills = new Map<string, Backfill>();
  readonly plans = new Map<string, BackfillPlan>();
  readonly endedBackfills: Backfill[] = [];
  readonly backfilled = new Map<string, Backfilled>();
  triggers = 0;

  constructor(at: string, settings: Settings = testSettings) {
    this.now = Date.parse(at);
    this.settings = settings;
    this.state = this.#lead();
  }

  #lead(clockAhead: ClockAhead = { leastMs: 0, mostMs: 0 }): State {
    this.term += 1;
    const state = new State(this.settings, 'test');
    const copy = <T>(values: Iterable<T>): T[] => structuredClone([...values]);
    state.load(copy(this.jobs.values()).map((job) => ({ kind: 'job', value: job })));
    state.load(copy(this.states.values()).map((each) => ({ kind: 'state', value: each })));
    state.load(copy(this.stats.values()).map((each) => ({ kind: 'stats', value: each })));
    // Stores load in any order.
    state.load(copy([...this.live.values()].reverse()).map((run) => ({ kind: 'run', value: run })));
    state.load(copy(this.alerts.values()).map((alert) => ({ kind: 'alert', value: alert })));
    state.load(
      copy(this.owed.values())
        .reverse()
        .map((each) => ({ kind: 'notification', value: each })),
    );
    state.load(copy(this.tokens.values()).map((token) => ({ kind: 'token', value: token })));
    state.load(copy(this.keys.values()).map((key) => ({ kind: 'signing-key', value: key })));
    state.load([...this.ends].map(([id, at]) => ({ kind: 'sessions-end', value: { id, at } })));
    state.load([...this.calendars.values()].map((value) => ({ kind: 'calendar', value })));
    state.load([...this.maintenance.values()].map((value) => ({ kind: 'maintenance', value })));
    state.load(copy(this.backfills.values()).map((each) => ({ kind: 'backfill', value: each })));
    state.load(copy(this.plans.values()).map((plan) => ({ kind: 'backfill-plan', value: plan })));
    state.ready();
    state.planAll();
    this.state = state;
    this.keep(decide(state, { kind: 'leading', now: this.now, term: this.term, clockAhead }));
    return state;
  }

  /** The leader dies and another takes over with what was written; nothing is known of the engines yet. */
  restart(clockAheadMs = 0, leastMs = clockAheadMs): void {
    this.effects.length = 0;
    this.now += clockAheadMs;
    this.#lead({ leastMs, mostMs: clockAheadMs });
  }

  keep(decision: Decision): void {
    for (const write of decision.groups.flat()) byKind(keeps, this, write);
    this.effects.push(...decision.effects);
  }

  event(event: Exclude<Event, { kind: 'command' }>): void {
    for (;;) {
      const decision = decide(this.state, event);
      this.keep(decision);
      if (!decision.more) return;
    }
  }

  submit<C extends Command>(command: C, asker?: Asker): AnswerTo<C> {
    const { decision, answer } = this.#check(command, asker)();
    this.keep(decision);
    return answer;
  }

  #check<C extends Command>(command: C, asker: Asker | undefined) {
    try {
      return checkCommand(this.state, this.now, command, asker);
    } catch (error) {
      const noted =
        asker === undefined ? null : decideRefused(this.state, this.now, { command, asker, error });
      if (noted !== null) this.keep(noted);
      throw error;
    }
  }

  /** Puts jobs; `run` is filled in where it is missing. */
  put(...definitions: ({ name: string; run?: object } & Record<string, unknown>)[]): void {
    for (const definition of definitions) {
      this.submit({
        kind: 'put-job',
        definition: { run: { command: 'true' }, ...definition },
        mode: 'replace',
        by: 'test',
        source: 'test',
      });
    }
  }

  /** Lets time pass, waking at each instant that something is planned for. */
  advance(to: string | number): void {
    const until = typeof to === 'number' ? this.now + to : Date.parse(to);
    for (let next = this.state.timetable.earliest(); next <= until; next = this.state.timetable.earliest()) {
      this.now = Math.max(this.now, next);
      this.event({ kind: 'tick', now: this.now });
    }
    this.now = until;
  }

  /** The instant comes soon, and is announced. */
  announce(at: string): void {
    this.event({ kind: 'coming', now: this.now, instant: Date.parse(at) });
  }

  /** The scheduler slept: time passes without it. */
  sleep(to: string | number): void {
    this.now = typeof to === 'number' ? this.now + to : Date.parse(to);
    this.event({ kind: 'tick', now: this.now });
  }

  /** The wall clock is set, no time passing. */
  setClock(byMs: number): void {
    this.now += byMs;
    this.event({ kind: 'clock-set', now: this.now, byMs });
  }

  trigger(name: string, params: Record<string, string> = {}): Run {
    this.triggers += 1;
    return this.submit({ kind: 'trigger', name, triggerId: `t${this.triggers}`, params, by: 'test' });
  }

  /** The job's only unfinished run, or that at `index` in order of decision. */
  runOf(name: string, index = 0): Run {
    const run = this.state.entry(name).runs[index];
    if (run === undefined) throw new Error(`${name} has no unfinished run ${index}`);
    return run;
  }

  begin(name: string, index = 0): void {
    this.#observe(this.runOf(name, index), (launchName) => ({ kind: 'started', launchName, at: this.now }));
  }

  end(name: string, exitCode: number | null = 0, index = 0): void {
    const run = this.runOf(name, index);
    this.begin(name, index);
    this.#observe(run, (launchName) => ({ kind: 'ended', launchName, at: this.now, exitCode }));
  }

  #observe(
    run: Run,
    observation: (launchName: string) => Extract<Event, { kind: 'observed' }>['observation'],
  ): void {
    const { launchName } = run.attempts.at(-1) ?? {};
    if (launchName === undefined) throw new Error(`${run.id} was not launched: it is ${run.state}`);
    this.event({ kind: 'observed', now: this.now, observation: observation(launchName) });
  }

  inventory(reports: LaunchReport[], takeOver = true): void {
    const running = runningOn(this.state, 'process', null);
    const inventory = { engine: 'process', host: null, reports, running, monotonicMs: this.now, takeOver };
    this.event({ kind: 'inventory', now: this.now, inventory });
  }

  view(name: string): JobView {
    return jobView(this.state, this.state.entry(name));
  }

  /** `state due reason` of all runs of a job, ended ones first. */
  runs(name: string): string[] {
    const all = [...this.history, ...this.state.runs.values()].filter((run) => run.job === name);
    return all.map((run) => `${run.state} ${clockTime(run.due)}`);
  }

  reasons(name: string): (string | null)[] {
    return this.history.filter((run) => run.job === name).map((run) => textOrNull(run.reason));
  }

  /** `end from[..to xcount]` of a job's ledger, in order of time. */
  lines(name: string): string[] {
    return [...this.ledger.values()]
      .filter((line) => line.job === name)
      .sort((a, b) => a.from - b.from)
      .map((line) => `${line.end} ${clockTime(line.from)}${line.count === 1 ? '' : ` x${line.count}`}`);
  }

  launches(): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'launch' ? [`${effect.spec.run}#${effect.spec.attempt}`] : [],
    );
  }
}

/** `02:00`, with seconds where there are any. */
export function clockTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  return iso.slice(17, 19) === '00' ? iso.slice(11, 16) : iso.slice(11, 19);
}
