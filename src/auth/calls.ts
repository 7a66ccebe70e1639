/**
 * Sums of what other nodes asked of this one, for the audit. A leader has launches made and removed here by the thousand, and
 * each is decided and stored with its run (host, launch, term). So calls have a line for each calling node, action, engine
 * and term: the first at once, then one for an hour. Then they take a few of the lines that the audit keeps, and what is asked
 * in a quiet time has its own.
 */

import type { AuditLine } from '../scheduler/model/token.ts';
import type { Clock } from '../scheduler/ports.ts';

/** What another node asked of an engine of this one. It was let in and not refused, and may have changed something. */
export interface NodeCall {
  readonly by: AuditLine['by'];
  /** Address of the node. */
  readonly from: string | null;
  readonly action: string;
  readonly engine: string;
  readonly launchName: string;
  /** In which it was asked. */
  readonly term: number;
  /** It was answered with an error, so it is not known what it changed. */
  readonly failed: boolean;
}

export const callLimits = {
  /** Between two lines of the same sum. */
  everyMs: 60 * 60_000,
  /** Sums at a time. A node has one for each action of each of its engines; only a change of leader adds some. */
  sums: 200,
  /** Launches of a line. */
  launches: 10,
} as const;

interface Sum {
  readonly call: NodeCall;
  calls: number;
  failed: number;
  launches: string[];
  /** By a clock that is never set. Null: it had no line yet. */
  toldAt: number | null;
}

export class Calls {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #sums = new Map<string, Sum>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Some have no line yet. */
  get areLeft(): boolean {
    return [...this.#sums.values()].some(({ calls }) => calls > 0);
  }

  add(call: NodeCall): void {
    const sum = this.#sumOf(call);
    if (sum === null) return;
    sum.calls++;
    if (call.failed) sum.failed++;
    if (sum.launches.length < callLimits.launches) sum.launches.push(call.launchName);
  }

  /** Lines of sums whose time has come, or of `all`; at most `most`. The rest is left for the next time. */
  take(most: number, all: boolean): Pick<AuditLine, 'by' | 'from' | 'action' | 'on' | 'after'>[] {
    const now = this.#clock.monotonicMs();
    const lines = [];
    for (const [key, sum] of this.#sums) {
      if (!all && sum.toldAt !== null && now - sum.toldAt < callLimits.everyMs) continue;
      if (sum.calls === 0) this.#sums.delete(key);
      else if (lines.length < most) {
        lines.push(lineOf(sum));
        Object.assign(sum, { calls: 0, failed: 0, launches: [], toldAt: now });
      }
    }
    return lines;
  }

  /** Null: there are too many. */
  #sumOf(call: NodeCall): Sum | null {
    const { by, action, engine, term } = call;
    const key = JSON.stringify([by.name, action, engine, term]);
    const known = this.#sums.get(key);
    if (known !== undefined || this.#sums.size >= callLimits.sums) return known ?? null;
    const sum: Sum = { call, calls: 0, failed: 0, launches: [], toldAt: null };
    this.#sums.set(key, sum);
    return sum;
  }
}

function lineOf({ call: { by, from, action, engine, term }, calls, failed, launches }: Sum) {
  const isOne = calls === 1;
  const named = isOne ? [] : launches.map((name, i) => [`launches[${i}]`, name] as const);
  const after = { engine, term, calls, ...(failed > 0 && { failed }), ...Object.fromEntries(named) };
  return { by, from, action, on: isOne ? launches[0]! : null, after };
}
