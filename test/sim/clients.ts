/** People who ask random nodes for random changes, and remember what they were told. */

import { CarillonError } from '../../src/errors.ts';
import type { AnswerTo, Command } from '../../src/scheduler/command.ts';
import type { Job, Run } from '../../src/scheduler/model/model.ts';
import { isEnded } from '../../src/scheduler/model/run-state.ts';
import { jobSet, scheduledJob } from './jobs.ts';
import type { Judge } from './judge.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';
import { REPORTED_JOB } from './reporter.ts';
import type { SimTime } from './time.ts';
import type { Trace } from './trace.ts';

/** Someone asks for something this often, on average. */
const EVERY_MS = 60_000;
/** A request that was not answered, or refused for a reason of the node, is sent again this often. */
const TRIES = 6;
const RETRY_MS = 2_000;

export interface ClientsParts {
  readonly time: SimTime;
  readonly random: Random;
  readonly trace: Trace;
  readonly judge: Judge;
  readonly nodes: readonly SimNode[];
  readonly epochMs: number;
  readonly onWrong: (what: string) => void;
}

export class Clients {
  /** Requests that were answered. */
  acknowledged = 0;
  readonly #parts: ClientsParts;
  #requests = 0;
  #until = 0;
  /** Jobs whose newest answer said paused or not, and nothing was asked since. */
  readonly #paused = new Map<string, boolean>();

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  begin(until: number): void {
    const { random, epochMs, time } = this.#parts;
    this.#until = until;
    for (const definition of jobSet(random, epochMs)) this.#put(definition, 0);
    time.after(random.between(10_000, EVERY_MS), () => this.#next());
  }

  #next(): void {
    const { time, random } = this.#parts;
    if (time.now >= this.#until) return;
    this.#ask();
    time.after(-Math.log(1 - random.next()) * EVERY_MS, () => this.#next());
  }

  #ask(): void {
    const { random, judge } = this.#parts;
    const name = random.pick(this.#names());
    if (name === undefined) return;
    const dice = random.next();
    const live = [...judge.runs.values()].filter(({ job, state }) => job !== REPORTED_JOB && !isEnded(state));
    if (dice < 0.08) this.#start();
    else if (dice < 0.35) this.#trigger(name);
    else if (dice < 0.5) {
      if (live.length > 0) this.#kill(random.pick(live).id);
    } else if (dice < 0.6) this.#rerun();
    else if (dice < 0.8) this.#pause(name, random.chance(0.5));
    else if (dice < 0.92) this.#change(name);
    else this.#replace(name);
  }

  /** Jobs that somebody else runs are not theirs. */
  #names(): string[] {
    return [...this.#parts.judge.jobs.keys()].filter((name) => name !== REPORTED_JOB);
  }

  #put(definition: object & { readonly name: string }, expected: number): void {
    this.#paused.delete(definition.name);
    const mode = expected === 0 ? 'create' : 'replace';
    // A change that is sent again must not make a job anew that was deleted in between.
    const command = { kind: 'put-job', definition, mode, expected, by: 'client', source: 'sim' } as const;
    this.#send(command, ({ job }) => {
      // It may have been changed again, or deleted, before the answer came.
      if (!this.#parts.judge.revisions.has(`${job.name}@${job.revision}`))
        this.#lost(`revision ${job.revision} of ${job.name}`);
    });
  }

  /** Another policy, another time, or what it was before. */
  #change(name: string): void {
    const { judge, random, epochMs, time } = this.#parts;
    const life = judge.jobs.get(name);
    if (life === undefined) return;
    const { definition } = life.job;
    const former = this.#former.get(name);
    this.#former.set(name, definition);
    if (former !== undefined && random.chance(0.3)) {
      this.#put(former, life.job.revision);
      return;
    }
    const { schedule, policy } = scheduledJob(random, name, epochMs, epochMs + time.now);
    const retimed = definition.schedule?.after === undefined && random.chance(0.5);
    const changed: object & { readonly name: string } = {
      ...definition,
      ...(retimed ? { schedule } : { policy }),
    };
    this.#put(changed, life.job.revision);
  }

  /** Another job comes in its place, or one of its name. */
  #replace(name: string): void {
    const { random, judge, epochMs, time } = this.#parts;
    // Children change with it: what was said of them before is not to be judged.
    for (const child of judge.jobs.keys()) this.#paused.delete(child);
    this.#send(
      { kind: 'delete-job', name, dependents: random.pick(['detach', 'cascade']), by: 'client' },
      () => undefined,
    );
    const successor = random.chance(0.3) ? name : `${name.charAt(0)}${this.#requests}`;
    time.after(random.between(0, 30_000), () =>
      this.#put(scheduledJob(random, successor, epochMs, epochMs + time.now), 0),
    );
  }

  #pause(name: string, paused: boolean): void {
    this.#paused.delete(name);
    const request = this.#requests;
    const open = this.#open.get(name) ?? new Set();
    this.#open.set(name, open.add(request));
    this.#send({ kind: paused ? 'pause' : 'resume', name, by: 'client' }, ({ state }) => {
      if ((state.paused !== null) !== paused) this.#lost(`${paused ? 'pause' : 'resume'} of ${name}`);
      open.delete(request);
      // An older one that is on its way still may come after this one.
      if (open.size === 0 && request === this.#newest.get(name)) this.#paused.set(name, paused);
    });
    this.#newest.set(name, request);
  }

  readonly #newest = new Map<string, number>();
  /** Definitions that were changed, by name. */
  readonly #former = new Map<string, Job['definition']>();
  /** Requests to pause or resume a job that are not answered. */
  readonly #open = new Map<string, Set<number>>();

  #trigger(name: string): void {
    const triggerId = `t${String(this.#requests).padStart(5, '0')}`;
    this.#send({ kind: 'trigger', name, triggerId, params: {}, by: 'client' }, (run) => this.#kept(run));
  }

  /** Several jobs at once: all of the start is durable when it is answered, and no job of it has two runs. */
  #start(): void {
    const { random, onWrong } = this.#parts;
    const names = this.#names().filter(() => random.chance(0.4));
    if (names.length === 0) return;
    const triggerId = `s${String(this.#requests).padStart(5, '0')}`;
    this.#send({ kind: 'start', names, triggerId, dryRun: false, by: 'client' }, (jobs) => {
      for (const { job, after, run } of jobs) {
        if (run !== null) this.#kept(run);
        else if (after.length === 0) onWrong(`${job} was started with ${names} and has no run`);
      }
    });
  }

  #rerun(): void {
    const { judge, random } = this.#parts;
    const ended = [...judge.runs.values()]
      .slice(-200)
      .filter(({ job, state }) => job !== REPORTED_JOB && isEnded(state));
    if (ended.length === 0) return;
    const triggerId = `r${String(this.#requests).padStart(5, '0')}`;
    const run = structuredClone(random.pick(ended));
    this.#send({ kind: 'rerun', run, triggerId, by: 'client' }, (made) => this.#kept(made));
  }

  #kill(runId: string): void {
    this.#send({ kind: 'kill', runId, by: 'client' }, ({ id }) => {
      const run = this.#kept({ id });
      if (run !== undefined && run.kill === null && !isEnded(run.state)) this.#lost(`the kill of ${id}`);
    });
  }

  #kept({ id }: Pick<Run, 'id'>): Run | undefined {
    const run = this.#parts.judge.runs.get(id);
    if (run === undefined) this.#lost(`the run ${id}`);
    return run;
  }

  #lost(what: string): void {
    this.#parts.onWrong(`${what} was acknowledged and is not durable`);
  }

  /** Sends until it is answered; an answer must hold when it is given. */
  #send<C extends Command>(command: C, check: (answer: AnswerTo<C>) => void): void {
    const { trace } = this.#parts;
    const request = ++this.#requests;
    const name = command.kind === 'put-job' ? (command.definition as { name: string }).name : null;
    const what = `${command.kind} ${name ?? ('name' in command ? command.name : '')}`;
    trace.add('client', `asks #${request}`, command.kind === 'put-job' ? command.definition : what);
    let done = false;
    const attempt = (left: number): void => {
      if (done || left === 0) return;
      this.#submit(command).then(
        (answer) => {
          if (done) return;
          done = true;
          this.acknowledged += 1;
          trace.add('client', `is answered #${request}`, what);
          check(answer);
        },
        (error: unknown) => {
          const again =
            error instanceof CarillonError &&
            (error.code === 'NOT_LEADING' || error.code === 'STORE_UNAVAILABLE');
          if (!again) done = true;
          if (!again && !(error instanceof CarillonError)) this.#parts.onWrong(`${what} failed: ${error}`);
        },
      );
      this.#parts.time.after(RETRY_MS, () => attempt(left - 1));
    };
    attempt(TRIES);
  }

  /** A random node passes it on to whom it takes for the leader. */
  #submit<C extends Command>(command: C): Promise<AnswerTo<C>> {
    const { nodes, random } = this.#parts;
    const asked = random.pick(nodes);
    const leader = asked.life?.election.leader()?.id;
    const node = nodes.find(({ id }) => id === leader) ?? asked;
    const { life } = node;
    if (life === null || life.process.dead) return new Promise(() => undefined);
    return new Promise((resolve, reject) =>
      life.process.deliver(() => life.scheduler.submit(command).then(resolve, reject)),
    );
  }

  /** Everything is quiet: what was said last must hold. */
  faults(): string[] {
    const { judge } = this.#parts;
    return [...this.#paused].flatMap(([name, paused]) => {
      const life = judge.jobs.get(name);
      if (life === undefined || (life.state?.paused != null) === paused) return [];
      return [`${name} was ${paused ? 'paused' : 'resumed'} and is not`];
    });
  }
}
