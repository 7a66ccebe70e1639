/**
 * One inbox with one order: take an event, decide, make the writes durable, then start the effects. Nothing
 * else changes the state, and only this file enforces "durable before any effect". Commits are grouped: while
 * some are in progress, decisions collect for the next one. The first refused or failed commit ends the loop,
 * and its owner discards the state.
 */

import { CarillonError } from '../../errors.ts';
import type { Asker } from '../access/principal.ts';
import type { AnswerTo, Command } from '../command.ts';
import { checkCommand, decide, decideRefused } from '../decide.ts';
import type { Event } from '../event.ts';
import type { Notice } from '../handle.ts';
import type { Run } from '../model/model.ts';
import type { AuditLine } from '../model/token.ts';
import type { Clock, Store } from '../ports.ts';
import type { WriteGroup } from '../records/table.ts';
import { calendarsFor, judgeAll } from '../rules/apply.ts';
import type { Act, Decision, Effect } from '../state/decision.ts';
import type { State } from '../state/state.ts';
import { ClockSteps } from './clock-steps.ts';

/** Maximum waiting commands. Further ones are refused, so that a flood cannot exhaust the memory. */
const MAX_WAITING_COMMANDS = 20_000;
/** The loop yields to input and timers after this long. */
const SLICE_MS = 8;
/** Definitions checked within one decision; more are checked in slices before it. */
const MAX_JUDGED_AT_ONCE = 50;
/** Decided groups that wait for a commit. Above this, deciding pauses until the store has caught up. */
const MAX_UNDURABLE_GROUPS = 50_000;

export type OnNotices = (
  notices: readonly Notice[],
  acts: readonly Act[],
  audited: readonly AuditLine[],
) => void;

export interface LoopParts {
  readonly state: State;
  readonly term: number;
  readonly store: Pick<Store, 'commit' | 'limits'>;
  readonly clock: Clock;
  /** It is certain that no other node leads, so answers from memory are correct. */
  readonly isFresh: () => boolean;
  /** Effects of decisions that are now durable, in order. */
  readonly onEffects: (effects: readonly Effect[]) => void;
  readonly onNotices: OnNotices;
  /** Decisions were made, so the timetable may have an earlier entry. */
  readonly onDecided: () => void;
  /** The loop has ended and will do nothing more. */
  readonly onBroken: (error: unknown) => void;
}

interface CommandItem {
  readonly kind: 'command';
  readonly command: Command;
  readonly asker: Asker | undefined;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

type Item = CommandItem | { readonly kind: 'event'; readonly event: Exclude<Event, { kind: 'command' }> };

/** A group being committed; `after` runs once it and all before it are durable. */
interface Unit {
  readonly group: WriteGroup;
  readonly after: (() => void) | null;
  readonly fail: ((error: unknown) => void) | null;
}

interface Commit {
  readonly units: readonly Unit[];
  durable: boolean;
}

export class Loop {
  readonly #parts: LoopParts;
  readonly #steps: ClockSteps;
  #inbox: Item[] = [];
  #undurable: Unit[] = [];
  #commits: Commit[] = [];
  #draining = false;
  #judging: Promise<void> = Promise.resolve();
  /** Nothing more is accepted. */
  #ended = false;
  /** A decision or a commit failed, and nothing that was decided is released any more. */
  #broken = false;
  #idle: (() => void)[] = [];
  /** Runs that ended in decisions which are not durable yet: no longer live, and not yet in the archive. */
  readonly #ending = new Map<string, Run>();

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#steps = new ClockSteps(parts.clock);
  }

  post(event: Exclude<Event, { kind: 'command' }>): void {
    if (this.#ended) return;
    this.#inbox.push({ kind: 'event', event });
    this.#wake();
  }

  /** Resolves when the command's decision is durable. */
  submit<C extends Command>(command: C, asker?: Asker): Promise<AnswerTo<C>> {
    return new Promise<AnswerTo<C>>((resolve, reject) => {
      if (this.#ended) {
        reject(notLeading());
        return;
      }
      if (this.#inbox.length >= MAX_WAITING_COMMANDS) {
        reject(
          new CarillonError('LIMIT_EXCEEDED', `${MAX_WAITING_COMMANDS} requests are already waiting.`, {
            allowed: 'fewer concurrent requests',
          }),
        );
        return;
      }
      const item: CommandItem = {
        kind: 'command',
        command,
        asker,
        resolve: resolve as (answer: never) => void,
        reject,
      };
      if (command.kind === 'apply' && command.definitions.length > MAX_JUDGED_AT_ONCE)
        this.#judging = this.#judging.then(() => this.#judgeFirst(item, command));
      else this.#enqueue(item);
    });
  }

  #enqueue(item: CommandItem): void {
    this.#inbox.push(item);
    this.#wake();
  }

  /** Checks many definitions in slices before the command is decided, one such command at a time. */
  #judgeFirst(item: CommandItem, command: Extract<Command, { kind: 'apply' }>): Promise<void> {
    const { state, clock } = this.#parts;
    const { asker } = item;
    const steps = judgeAll(state, command.definitions, {
      ...{ now: clock.now(), by: command.by, asker },
      calendars: calendarsFor(state, command.assumed),
    });
    return new Promise((resolve) => {
      const slice = (): void => {
        try {
          if (this.#ended) throw notLeading();
          const until = clock.monotonicMs() + SLICE_MS;
          for (;;) {
            const { done, value } = steps.next();
            if (done === true) {
              this.#enqueue({ ...item, command: { ...command, judged: value } });
              resolve();
              return;
            }
            if (clock.monotonicMs() >= until) break;
          }
          clock.after(0, slice);
        } catch (error) {
          // As in any check, nothing was changed.
          item.reject(error);
          resolve();
        }
      };
      slice();
    });
  }

  /** The step of the wall clock since its last decision. */
  get pendingStepMs(): number {
    return this.#steps.pendingMs;
  }

  /** A run whose end is being written to the archive. */
  endingRun(id: string): Run | undefined {
    return this.#ending.get(id);
  }

  endingRuns(): Iterable<Run> {
    return this.#ending.values();
  }

  /** Accepts nothing more. Resolves when everything decided is durable or has failed. */
  async stop(): Promise<void> {
    this.#close();
    if (this.#commits.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #close(): void {
    this.#ended = true;
    for (const item of this.#inbox) if (item.kind === 'command') item.reject(notLeading());
    this.#inbox = [];
  }

  #wake(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#parts.clock.after(0, () => this.#drain());
  }

  #drain(): void {
    this.#draining = false;
    const { clock, onDecided } = this.#parts;
    const until = clock.monotonicMs() + SLICE_MS;
    const items = this.#inbox;
    let taken = 0;
    while (taken < items.length && this.#undurable.length < MAX_UNDURABLE_GROUPS) {
      const item = items[taken] as Item;
      taken += 1;
      this.#handle(item);
      if (this.#broken) return;
      if (clock.monotonicMs() >= until) break;
    }
    // A decision may have appended events (`more`), so keep what was not taken.
    this.#inbox = this.#inbox.slice(taken);
    onDecided();
    this.#flush();
    if (this.#inbox.length > 0 && this.#undurable.length < MAX_UNDURABLE_GROUPS) this.#wake();
  }

  #handle(item: Item): void {
    const byMs = this.#steps.take();
    // Before anything else is decided by a clock that was set. Earlier events count as arriving now.
    if (byMs !== 0) this.#decide({ kind: 'clock-set', now: this.#parts.clock.now(), byMs });
    if (this.#broken) return;
    if (item.kind === 'command') this.#handleCommand(item);
    else if (this.#decide({ ...item.event, now: this.#parts.clock.now() })) this.#inbox.push(item);
  }

  /** Returns true if there is more to decide at this time. */
  #decide(event: Exclude<Event, { kind: 'command' }>): boolean {
    try {
      const decision = decide(this.#parts.state, event);
      this.#keep(decision, null, null);
      return decision.more;
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  #handleCommand(item: CommandItem): void {
    const { state, clock } = this.#parts;
    let decideChecked: ReturnType<typeof checkCommand>;
    try {
      decideChecked = checkCommand(state, clock.now(), item.command, item.asker);
    } catch (error) {
      // Nothing was changed: an expected refusal, or a bug that this request met.
      this.#refuse(item, error);
      return;
    }
    try {
      const { decision, answer } = decideChecked();
      this.#keep(decision, () => item.resolve(answer as never), item.reject);
    } catch (error) {
      item.reject(error);
      this.#break(error);
    }
  }

  /** Rejects the command, once the audit says so. */
  #refuse({ command, asker, reject }: CommandItem, error: unknown): void {
    const { state, clock } = this.#parts;
    const noted = asker === undefined ? null : decideRefused(state, clock.now(), { command, asker, error });
    if (noted === null) reject(error);
    else this.#keep(noted, () => reject(error), reject);
  }

  /** Queues a decision's groups; the last one carries what follows from the decision. */
  #keep(decision: Decision, answer: (() => void) | null, fail: ((error: unknown) => void) | null): void {
    const { onEffects, onNotices } = this.#parts;
    const ended = decision.notices.flatMap((notice) =>
      notice.kind === 'run' && notice.run.endedAt !== null ? [notice.run] : [],
    );
    for (const run of ended) this.#ending.set(run.id, run);
    const after = (): void => {
      for (const run of ended) this.#ending.delete(run.id);
      answer?.();
      onNotices(decision.notices, decision.acts, decision.audited);
      onEffects(decision.effects);
    };
    const { groups } = decision;
    if (groups.length === 0) {
      // Without a commit of its own, nothing proves that this node still leads, and another leader may have
      // changed what this answer reports: an answer to an earlier commit may arrive late.
      const proven = (): void => {
        if (fail !== null && !this.#parts.isFresh()) fail(notLeading());
        else after();
      };
      if (this.#undurable.length === 0 && this.#commits.length === 0) proven();
      else this.#undurable.push({ group: [], after: proven, fail });
      return;
    }
    groups.forEach((group, i) => {
      const last = i === groups.length - 1;
      this.#undurable.push({ group, after: last ? after : null, fail: last ? fail : null });
    });
  }

  #flush(): void {
    const { store, term } = this.#parts;
    while (this.#undurable.length > 0 && this.#commits.length < store.limits.inFlight) {
      let writes = 0;
      let count = 0;
      while (count < this.#undurable.length) {
        writes += (this.#undurable[count] as Unit).group.length;
        if (count > 0 && writes > store.limits.maxWrites) break;
        count += 1;
      }
      const units = this.#undurable.slice(0, count);
      this.#undurable = this.#undurable.slice(count);
      const commit: Commit = { units, durable: false };
      this.#commits.push(commit);
      const groups = units.map((unit) => unit.group).filter((group) => group.length > 0);
      const done = groups.length === 0 ? Promise.resolve() : store.commit(term, groups);
      done.then(
        () => this.#committed(commit),
        (error: unknown) => this.#break(error),
      );
    }
  }

  /** Releases, in order, everything that is durable together with everything before it. */
  #committed(commit: Commit): void {
    commit.durable = true;
    while (this.#commits[0]?.durable === true) {
      const { units } = this.#commits.shift() as Commit;
      for (const { after } of units) after?.();
    }
    this.#flush();
    if (this.#inbox.length > 0) this.#wake();
    // While something waits for a commit, one is in progress.
    if (this.#commits.length === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #break(error: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#close();
    const units = [...this.#commits.flatMap((commit) => commit.units), ...this.#undurable];
    for (const { fail } of units) fail?.(error);
    this.#undurable = [];
    this.#commits = [];
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#parts.onBroken(error);
  }
}

export function notLeading(): CarillonError {
  return new CarillonError('NOT_LEADING', 'This node does not lead at the moment. Retry shortly.');
}
