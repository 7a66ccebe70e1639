/** Prints what a search in output finds, as grep does: lines with numbers, and each line once. */

import type { WireLogFinding, WireLogHit, WireLogSearchEnd } from '../api/wire/log-search.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Session } from './shell.ts';
import { counted } from './words.ts';

export async function searchLogs(
  session: Session,
  findings: AsyncIterable<WireLogFinding>,
): Promise<ExitCode> {
  const { json, io } = session;
  const hits: WireLogHit[] = [];
  const printer = new HitPrinter(session);
  let found = 0;
  for await (const finding of findings) {
    if (finding.kind === 'hit') {
      found++;
      if (json) hits.push(finding);
      else printer.print(finding);
      continue;
    }
    if (json) session.printJson({ hits, end: finding });
    else {
      printer.end();
      for (const line of remarks(finding)) io.err(`${line}\n`);
    }
  }
  return found > 0 ? exitCodes.ok : exitCodes.failed;
}

function remarks({ reached, hits, bytes, runs, gone, failed, failure }: WireLogSearchEnd): string[] {
  const bounds = {
    limit: `${counted(hits, 'line')} (--limit)`,
    bytes: `${bytes.toLocaleString('en-US')} bytes of output`,
    runs: `${counted(runs, 'run')} (--runs)`,
  };
  return [
    ...(reached === null ? [] : [`The search ended after ${bounds[reached]}. There may be more.`]),
    ...(gone === 0 ? [] : [`The output of ${counted(gone, 'attempt')} is no longer kept.`]),
    ...(failed === 0 ? [] : [`The output of ${counted(failed, 'attempt')} could not be read: ${failure}`]),
  ];
}

/** Hits come with their context, and those of one place in order, so the contexts of two may have lines in common. */
class HitPrinter {
  readonly #session: Session;
  #place = '';
  /** Number of the last line that was printed in this place. */
  #printed = 0;
  /** Lines after the last hit: the next hit may be one of them. */
  #after: { readonly line: number; readonly text: string }[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  print({ run, attempt, stream, line, text, from, length, before, after }: WireLogHit): void {
    const place = `${run}, attempt ${attempt}, ${stream}`;
    if (place === this.#place) this.#printAfter(line);
    else {
      this.end();
      this.#session.print(`${this.#place === '' ? '' : '\n'}${place}`);
      this.#place = place;
      this.#printed = 0;
    }
    const first = line - before.length;
    if (this.#printed > 0 && first > this.#printed + 1 && before.length > 0) this.#session.print('--');
    for (const [index, each] of before.entries()) this.#line(first + index, '-', each);
    this.#line(line, ':', `${from > 0 ? '…' : ''}${text}${from + text.length < length ? '…' : ''}`);
    this.#after = after.map((each, index) => ({ line: line + 1 + index, text: each }));
  }

  end(): void {
    this.#printAfter(Number.POSITIVE_INFINITY);
  }

  #printAfter(until: number): void {
    for (const { line, text } of this.#after) if (line < until) this.#line(line, '-', text);
    this.#after = [];
  }

  #line(line: number, mark: string, text: string): void {
    if (line <= this.#printed) return;
    this.#session.print(`${line}${mark} ${text}`);
    this.#printed = line;
  }
}
