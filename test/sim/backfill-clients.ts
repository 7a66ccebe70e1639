/** People who make backfills of what is past, and pause, resume and cancel them. */

import { CarillonError } from '../../src/errors.ts';
import type { Command } from '../../src/scheduler/command.ts';
import { nextInstant } from '../../src/scheduler/schedule/next.ts';
import type { ClientsParts } from './clients.ts';
import { REPORTED_JOB } from './reporter.ts';

const EVERY_MS = 120_000;
const TRIES = 6;
const RETRY_MS = 2_000;
/** Due times of one job in a backfill. */
const MOST = 12;

export class BackfillClients {
  readonly #parts: ClientsParts;
  /** Ids of backfills that were acknowledged. */
  readonly #made = new Set<string>();
  #requests = 0;
  #until = 0;

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  begin(until: number): void {
    this.#until = until;
    this.#later();
  }

  #later(): void {
    const { time, random } = this.#parts;
    time.after(-Math.log(1 - random.next()) * EVERY_MS, () => {
      if (time.now >= this.#until) return;
      this.#ask();
      this.#later();
    });
  }

  #ask(): void {
    const { random, judge } = this.#parts;
    if (judge.backfills.open.size === 0 || random.chance(0.5)) this.#make();
    else this.#change();
  }

  #change(): void {
    const { random, judge } = this.#parts;
    const open = [...judge.backfills.open.values()];
    if (open.length === 0) return;
    const { id } = random.pick(open);
    const dice = random.next();
    const kind = dice < 0.4 ? 'pause-backfill' : dice < 0.8 ? 'resume-backfill' : 'cancel-backfill';
    this.#send({ kind, id, by: 'client' });
  }

  #make(): void {
    const { random, judge, epochMs, time } = this.#parts;
    const now = epochMs + time.now;
    const jobs = [...judge.jobs].filter(([name, { schedule }]) => schedule !== null && name !== REPORTED_JOB);
    if (jobs.length === 0) return;
    const targets = [random.pick(jobs), random.pick(jobs)]
      .slice(0, random.between(1, 2))
      .map(([job, { schedule }]) => {
        const dues: number[] = [];
        // Clocks of leaders are up to a minute behind.
        let due = schedule && nextInstant(schedule, now - random.between(10, 40) * 60_000);
        while (schedule !== null && due !== null && due < now - 120_000 && dues.length < MOST) {
          dues.push(due);
          due = nextInstant(schedule, due);
        }
        return { job, dues };
      });
    const distinct = targets.filter(({ job }, i) => targets.findIndex((each) => each.job === job) === i);
    const id = `f${String(this.#requests).padStart(6, '0')}`;
    const options = {
      from: now - 3_600_000,
      to: now,
      only: [],
      downstream: random.chance(0.6),
      atOnce: random.between(1, 4),
      newestFirst: random.chance(0.3),
      params: {},
      does: random.chance(0.2) ? ('mark-succeeded' as const) : ('run' as const),
    };
    this.#send({ kind: 'backfill', id, targets: distinct, options, dryRun: false, by: 'client' }, () => {
      this.#made.add(id);
      // While it runs, which is not for long.
      for (const _ of [1, 2]) time.after(random.mostlySmall(100, 60_000), () => this.#change());
    });
  }

  /** Sends until it is answered. */
  #send(command: Command, answered: () => void = () => undefined): void {
    const { time, trace, onWrong } = this.#parts;
    const request = ++this.#requests;
    trace.add('backfiller', `asks #${request}`, command);
    let done = false;
    const attempt = (left: number): void => {
      if (done || left === 0) return;
      this.#submit(command).then(
        () => {
          if (done) return;
          done = true;
          answered();
        },
        (error: unknown) => {
          const isExpected = error instanceof CarillonError;
          done = !isExpected || (error.code !== 'NOT_LEADING' && error.code !== 'STORE_UNAVAILABLE');
          if (!isExpected) onWrong(`${command.kind} failed: ${error}`);
        },
      );
      time.after(RETRY_MS, () => attempt(left - 1));
    };
    attempt(TRIES);
  }

  /** A random node passes it on to whom it takes for the leader. */
  #submit(command: Command): Promise<unknown> {
    const { nodes, random } = this.#parts;
    const asked = random.pick(nodes);
    const leader = asked.life?.election.leader()?.id;
    const { life } = nodes.find(({ id }) => id === leader) ?? asked;
    if (life === null || life.process.dead) return new Promise(() => undefined);
    return new Promise((resolve, reject) =>
      life.process.deliver(() => life.scheduler.submit(command).then(resolve, reject)),
    );
  }

  /** Everything is quiet: what was acknowledged is there. */
  faults(): string[] {
    const { open, ended } = this.#parts.judge.backfills;
    return [...this.#made].flatMap((id) =>
      open.has(id) || ended.has(id) ? [] : [`the backfill ${id} was acknowledged and is not durable`],
    );
  }
}
