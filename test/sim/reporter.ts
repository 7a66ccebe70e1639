/**
 * Somebody else's crontab: it runs a job on its own clock, and reports each run until it is answered, in order. A report
 * whose answer is lost is sent again, and the first one may still arrive.
 */

import { CarillonError } from '../../src/errors.ts';
import type { ReportStep } from '../../src/scheduler/command.ts';
import type { Judge } from './judge.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';
import type { SimTime } from './time.ts';
import type { Trace } from './trace.ts';

export const REPORTED_JOB = 'x';
const EVERY_MS = 120_000;
const RETRY_MS = 2_000;

interface Report {
  readonly rid: string;
  readonly step: ReportStep;
  readonly at: number;
  readonly durationMs: number | null;
}

export interface ReporterParts {
  readonly time: SimTime;
  readonly random: Random;
  readonly trace: Trace;
  readonly judge: Judge;
  readonly nodes: readonly SimNode[];
  readonly onWrong: (what: string) => void;
}

export class Reporter {
  readonly #parts: ReporterParts;
  #until = 0;
  #runs = 0;
  #queue: Report[] = [];

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  begin(until: number): void {
    this.#until = until;
    this.#create();
  }

  #create(): void {
    const { time } = this.#parts;
    const definition = { name: REPORTED_JOB, schedule: { cron: '*/2 * * * *' } };
    const command = { kind: 'put-job', definition, mode: 'replace', by: 'crontab', source: 'sim' } as const;
    let done = false;
    const attempt = (): void => {
      if (done) return;
      this.#withLeader((scheduler) => scheduler.submit(command)).then(
        () => {
          if (!done) this.#next();
          done = true;
        },
        () => undefined,
      );
      time.after(RETRY_MS, attempt);
    };
    attempt();
  }

  #next(): void {
    const { time, random } = this.#parts;
    time.after(EVERY_MS + random.between(-20_000, 20_000), () => {
      if (time.now >= this.#until) return;
      this.#run();
      this.#next();
    });
  }

  #run(): void {
    const { time, random, judge } = this.#parts;
    const rid = `r${++this.#runs}`;
    const durationMs = random.mostlySmall(1_000, 60_000);
    const step = random.chance(0.8) ? 'success' : 'fail';
    if (random.chance(0.8)) this.#add({ rid, step: 'start', at: time.now, durationMs: null });
    time.after(durationMs, () => {
      judge.reported.set(rid, step);
      this.#add({ rid, step, at: time.now, durationMs });
    });
  }

  #add(report: Report): void {
    this.#queue.push(report);
    if (this.#queue.length === 1) this.#send();
  }

  #send(): void {
    const { time, trace, onWrong } = this.#parts;
    const [report] = this.#queue;
    if (report === undefined) return;
    const { rid, step, at, durationMs } = report;
    let done = false;
    const attempt = (): void => {
      if (done) return;
      const command = {
        ...{ name: REPORTED_JOB, step, key: rid, triggerId: `00${rid}`, agoMs: time.now - at, durationMs },
        ...{ exitCode: null, output: null, by: 'crontab' },
      };
      this.#withLeader((scheduler) => scheduler.report(command)).then(
        ({ repeated }) => {
          if (done) return;
          done = true;
          trace.add('crontab', `is answered ${step} of ${rid}`, { repeated });
          this.#queue.shift();
          this.#send();
        },
        (error: unknown) => {
          const again =
            error instanceof CarillonError && ['NOT_LEADING', 'STORE_UNAVAILABLE'].includes(error.code);
          if (!again) onWrong(`the ${step} of ${rid} is refused: ${error}`);
        },
      );
      time.after(RETRY_MS, attempt);
    };
    attempt();
  }

  #withLeader<T>(ask: (scheduler: NonNullable<SimNode['life']>['scheduler']) => Promise<T>): Promise<T> {
    const { nodes, random } = this.#parts;
    const asked = random.pick(nodes);
    const leader = asked.life?.election.leader()?.id;
    const { life } = nodes.find(({ id }) => id === leader) ?? asked;
    if (life === null || life.process.dead) return new Promise(() => undefined);
    return new Promise((resolve, reject) =>
      life.process.deliver(() => ask(life.scheduler).then(resolve, reject)),
    );
  }

  /** Everything is quiet: each run was reported, and is there once, as it ended. */
  faults(): string[] {
    const { judge } = this.#parts;
    if (this.#queue.length > 0) return [`${this.#queue.length} reports were never answered`];
    const givenUp = new Set(['timed-out', 'lost']);
    return [...judge.reported].flatMap(([rid, step]) => {
      const ends = [...judge.runs.values()].flatMap(({ reportKey, state }) =>
        reportKey === rid && !givenUp.has(state) ? [state] : [],
      );
      const expected = step === 'success' ? 'succeeded' : 'failed';
      return ends.length === 1 && ends[0] === expected
        ? []
        : [`${rid} was reported as ${step}, and its runs are ${ends.join(', ')}`];
    });
  }
}
