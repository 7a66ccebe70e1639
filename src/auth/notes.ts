/**
 * What the edges tell the core about access: log-ins and refused attempts, for the audit, and uses of tokens. These are
 * gathered and told together, so that attempts cost the store little. The audit is bounded, so strangers must not push out
 * the lines of others: refused attempts have one line for an address in a minute, few in all, and the others are counted. What
 * somebody known may not do has lines of its own, one for each thing. What other nodes ask is summed (`Calls`).
 */

import type { NotedLine } from '../scheduler/command.ts';
import type { Token } from '../scheduler/model/token.ts';
import type { Clock, Log } from '../scheduler/ports.ts';
import type { SessionEnd, TokenUse, Told } from '../scheduler/told.ts';
import { within } from '../scheduler/waiting.ts';
import { Calls, type NodeCall } from './calls.ts';

/** What happened. The rest of a line follows. */
export type Happening = Pick<NotedLine, 'by' | 'from' | 'action' | 'on'>;

export const noteLimits = {
  everyMs: 5_000,
  /** Told at a time. */
  lines: 100,
  refusedEveryMs: 60_000,
  /** Lines of refused attempts in this time. */
  refused: 20,
  /** A use is told if the one that was told before is older. */
  usesEveryMs: 10 * 60_000,
  /** Told at a time. */
  uses: 1_000,
  /** How long the last telling may take. */
  lastMs: 1_000,
} as const;

export interface NotesParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves when the leader has it. */
  readonly tell: (told: Told) => Promise<void>;
}

interface Problem {
  readonly code: string;
  readonly message: string;
}

/** Which refusals of the current minute have a line. */
class Refusals {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #keys = new Set<string>();
  #since = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get leftOut(): number {
    return this.#leftOut;
  }

  /** False: there is one already, or there are too many. */
  take(key: string): boolean {
    if (this.#keys.has(key) || this.#keys.size >= noteLimits.refused) {
      this.#leftOut++;
      return false;
    }
    this.#keys.add(key);
    return true;
  }

  /** Begins another minute, if this one is over. Returns how many were left out in it. */
  next(): number {
    const now = this.#clock.now();
    if (Math.abs(now - this.#since) < noteLimits.refusedEveryMs) return 0;
    const leftOut = this.#leftOut;
    this.#since = now;
    this.#keys.clear();
    this.#leftOut = 0;
    return leftOut;
  }
}

export class Notes {
  readonly #parts: NotesParts;
  #lines: NotedLine[] = [];
  /** Strangers, by address. */
  readonly #strangers: Refusals;
  /** Of those who are known, by who and what: strangers must not push them out. */
  readonly #known: Refusals;
  readonly #calls: Calls;
  readonly #uses = new Map<string, TokenUse>();
  #cancel: (() => void) | null = null;
  #telling: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: NotesParts) {
    this.#parts = parts;
    this.#strangers = new Refusals(parts.clock);
    this.#known = new Refusals(parts.clock);
    this.#calls = new Calls(parts.clock);
  }

  done(happening: Happening): void {
    this.#add({ ...happening, outcome: 'done', code: null, reason: null });
  }

  /** That somebody was not let in. */
  refused(happening: Happening, problem: Problem): void {
    this.#refuse(this.#strangers, happening.from ?? '', happening, problem);
  }

  /** That somebody who is known may not do it. */
  forbidden(happening: Happening, problem: Problem): void {
    const { by, action, on } = happening;
    this.#refuse(this.#known, `${by.kind} ${by.name} ${action} ${on}`, happening, problem);
  }

  /** That another node asked for something that may have changed something here. */
  called(call: NodeCall): void {
    this.#calls.add(call);
    this.#tellLater();
  }

  #refuse(refusals: Refusals, key: string, happening: Happening, { code, message }: Problem): void {
    this.#countRefusals();
    if (refusals.take(key)) this.#add({ ...happening, outcome: 'refused', code, reason: message });
    this.#tellLater();
  }

  used({ id, usedAt }: Token, from: string): void {
    const at = this.#parts.clock.now();
    const known = this.#uses.get(id)?.at ?? usedAt ?? Number.NEGATIVE_INFINITY;
    if (at - known < noteLimits.usesEveryMs) return;
    if (this.#uses.size >= noteLimits.uses) return;
    this.#uses.set(id, { id, at, from });
    this.#tellLater();
  }

  /** At once. Resolves when it is durable. */
  end(end: SessionEnd): Promise<void> {
    return this.#parts.tell({ lines: [], uses: [], ends: [end] });
  }

  /** Tells what is left, once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await within(
      this.#parts.clock,
      noteLimits.lastMs,
      this.#telling.then(() => this.#tell()),
    );
  }

  #add(line: Omit<NotedLine, 'at' | 'via' | 'before' | 'after'> & Partial<Pick<NotedLine, 'after'>>): void {
    if (this.#lines.length >= noteLimits.lines) return;
    this.#lines.push({ ...{ via: null, before: null, after: null }, ...line, at: this.#parts.clock.now() });
    this.#tellLater();
  }

  /** If a minute is over: lines that count what it left out. */
  #countRefusals(): void {
    this.#count(this.#strangers, 'UNAUTHENTICATED');
    this.#count(this.#known, 'FORBIDDEN');
  }

  #count(refusals: Refusals, code: string): void {
    const leftOut = refusals.next();
    if (leftOut === 0) return;
    const by = { kind: 'system', name: 'carillon' } as const;
    const reason = `${leftOut} more ${leftOut === 1 ? 'attempt was' : 'attempts were'} refused in a minute.`;
    this.#add({ by, from: null, action: 'request', on: null, outcome: 'refused', code, reason });
  }

  #addCalls(): void {
    const lines = this.#calls.take(noteLimits.lines - this.#lines.length, this.#stopped);
    for (const line of lines) this.#add({ ...line, outcome: 'done', code: null, reason: null });
  }

  #tellLater(): void {
    if (this.#stopped) return;
    this.#cancel ??= this.#parts.clock.after(noteLimits.everyMs, () => {
      this.#cancel = null;
      this.#countRefusals();
      this.#telling = this.#tell();
      if (this.#strangers.leftOut + this.#known.leftOut > 0 || this.#calls.areLeft) this.#tellLater();
    });
  }

  async #tell(): Promise<void> {
    this.#addCalls();
    const [lines, uses] = [this.#lines, [...this.#uses.values()]];
    if (lines.length === 0 && uses.length === 0) return;
    this.#lines = [];
    try {
      await this.#parts.tell({ lines, uses, ends: [] });
      this.#uses.clear();
    } catch (error) {
      this.#parts.log.warn({ error, lines: lines.length, uses: uses.length }, 'access.notes-not-told');
      this.#lines = [...lines, ...this.#lines].slice(0, noteLimits.lines);
      this.#tellLater();
    }
  }
}
