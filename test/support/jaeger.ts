/** Jaeger: its OTLP receiver, its storage in memory and its query API. Assumes test/support/jaeger.sh has run. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Attribute, Span } from '../../src/traces/spans.ts';

const program = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'carillon-test/jaeger');

export const hasJaeger = existsSync(program);

/** As Jaeger answers it. */
interface TraceAnswer {
  readonly result: {
    readonly resourceSpans: readonly {
      readonly resource: { readonly attributes: readonly Attribute[] };
      readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
    }[];
  };
}

export class Jaeger {
  /** For `--otlp-endpoint`. */
  readonly otlp: string;
  readonly #query: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, otlp: string, query: string) {
    this.#child = child;
    this.otlp = otlp;
    this.#query = query;
  }

  static async start(): Promise<Jaeger> {
    const child = spawn(program, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      const { otlp, query } = /^otlp (?<otlp>\S+) query (?<query>\S+)$/.exec(line)?.groups ?? {};
      if (otlp !== undefined && query !== undefined) return new Jaeger(child, otlp, query);
    }
    throw new Error('Jaeger ended before it listened');
  }

  /** As its API answers it, without corrections and without removing doubles. Null: there is none. */
  async answer(traceId: string): Promise<TraceAnswer | null> {
    const response = await fetch(`${this.#query}/api/v3/traces/${traceId}?raw_traces=true`);
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`Jaeger answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as TraceAnswer;
  }

  /** The spans of a trace; none if there is no such trace. */
  async spans(traceId: string): Promise<Span[]> {
    const { resourceSpans = [] } = (await this.answer(traceId))?.result ?? {};
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  }

  async services(): Promise<readonly string[]> {
    const response = await fetch(`${this.#query}/api/v3/services`);
    return ((await response.json()) as { services: string[] }).services;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await exited;
  }
}
