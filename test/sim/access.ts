/** Watches tokens, keys and the audit, from the writes alone. */

import { isDeepStrictEqual } from 'node:util';
import type { AuditLine, SigningKey, Token } from '../../src/scheduler/model/token.ts';
import type { Rules } from '../../src/scheduler/records/table.ts';
import type { SimNode } from './node.ts';

type Kind =
  | ('token' | 'token-removed' | 'signing-key' | 'signing-key-removed')
  | ('sessions-end' | 'sessions-end-removed' | 'audit');

/** No job's counters change. */
const nothing = (_: unknown): null => null;

const changesJobs: ReadonlySet<string> = new Set(['put-job', 'apply', 'delete-job']);

export class AccessJudge {
  readonly tokens = new Map<string, Token>();
  /** Ids of all that were ever durable. */
  readonly made = new Set<string>();
  readonly madeKeys = new Set<string>();
  readonly keys = new Map<string, SigningKey>();
  readonly ends = new Map<string, number>();
  /** Lines by action. */
  readonly lines = new Map<string, number>();
  readonly #ids = new Set<string>();
  /** By term: the newest line. */
  readonly #newest = new Map<number, string>();
  /** `name@revision` of jobs in the commit that is looked at, and of its lines about them. */
  #changed: string[] = [];
  #noted: string[] = [];
  readonly #wrong: (what: string) => void;

  constructor(wrong: (what: string) => void) {
    this.#wrong = wrong;
  }

  readonly takes: Rules<Kind, undefined, null> = {
    token: (_, token) => nothing(this.tokens.set(token.id, token) && this.made.add(token.id)),
    'token-removed': (_, { id }) => nothing(this.tokens.delete(id)),
    'signing-key': (_, key) => nothing(this.keys.set(key.id, key) && this.madeKeys.add(key.id)),
    'signing-key-removed': (_, { id }) => nothing(this.keys.delete(id)),
    'sessions-end': (_, { id, at }) => nothing(this.ends.set(id, at)),
    'sessions-end-removed': (_, { id }) => nothing(this.ends.delete(id)),
    audit: (_, line) => nothing(this.#line(line)),
  };

  /** What nodes have otherwise than it is durable. */
  faults(nodes: readonly SimNode[]): string[] {
    const durable = [this.tokens, this.keys, this.ends].map((map) => [...map.keys()].sort());
    return nodes.flatMap(({ id, life }) => {
      if (life === null) return [];
      const { scheduler } = life;
      const there = [
        [...scheduler.tokens()].map((token) => token.id).sort(),
        scheduler
          .signingKeys()
          .map((key) => key.id)
          .sort(),
        [...this.ends].flatMap(([who, at]) => (scheduler.sessionsEndedAt(who) === at ? [who] : [])).sort(),
      ];
      const isSame = isDeepStrictEqual(there, durable);
      return isSame
        ? []
        : [
            `${id} has the tokens, keys and ends ${JSON.stringify(there)}, and ${JSON.stringify(durable)} are durable`,
          ];
    });
  }

  /** A revision of a job, or its removal. */
  changed(name: string, revision: number): void {
    this.#changed.push(`${name}@${revision}`);
  }

  #line({ id, term, action, on, outcome, after }: AuditLine): void {
    if (this.#ids.has(id)) this.#wrong(`two lines of the audit have the id ${id}`);
    this.#ids.add(id);
    const number = id.split('-').at(-1) ?? '';
    if (number <= (this.#newest.get(term) ?? ''))
      this.#wrong(`line ${id} of the audit comes after its term's ${number}`);
    this.#newest.set(term, number);
    this.lines.set(action, (this.lines.get(action) ?? 0) + 1);
    if (outcome === 'done' && changesJobs.has(action)) this.#noted.push(`${on}@${after?.revision}`);
  }

  /** All writes of a commit were looked at. */
  committed(): void {
    const [changed, noted] = [this.#changed.sort().join(', '), this.#noted.sort().join(', ')];
    if (changed !== noted)
      this.#wrong(`a commit changes ${changed || 'no job'}, and the audit says ${noted || 'nothing'}`);
    this.#changed = [];
    this.#noted = [];
  }
}
