/**
 * Formats a failure as one readable block: the message, the field, the value, what is allowed, and the
 * source.
 */

import type { WireProblem } from '../api/wire/schema.ts';
import { CarillonError, type ErrorDetails } from '../errors.ts';
import { ProblemError, UnreachableError } from './client-errors.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export interface Failure {
  readonly text: string;
  readonly problem: object;
  readonly exitCode: ExitCode;
}

/** What to do next about a refusal. */
const wayIn: Readonly<Record<string, string>> = {
  UNAUTHENTICATED:
    '  next     carillon login, or a token in CARILLON_TOKEN or --token-file; on the host of the server, ask as its user\n',
};

/** Returns null for a bug in this program. */
export function describeFailure(error: unknown): Failure | null {
  if (error instanceof UnreachableError) {
    const problem = { code: 'UNREACHABLE', detail: error.message };
    return { text: `error: ${error.message}\n`, problem, exitCode: exitCodes.unreachable };
  }
  if (error instanceof ProblemError) {
    return {
      text: `${blocks('error', error.problem)}${wayIn[error.problem.code] ?? ''}`,
      problem: error.problem,
      exitCode: exitCodeOf(error.problem.status),
    };
  }
  if (error instanceof CarillonError) {
    const { others = [] } = error.details;
    return {
      text: [error, ...others].map((each) => block('error', each)).join(''),
      problem: { ...problemOf(error), ...(others.length > 0 && { others: others.map(problemOf) }) },
      exitCode: exitCodeOf(error.status),
    };
  }
  return null;
}

/** The machine-readable form, as in the server's responses. */
export function problemOf({ code, message, details }: CarillonError): object {
  return { code, detail: message, ...details };
}

function exitCodeOf(status: number): ExitCode {
  if (status === 503) return exitCodes.unreachable;
  return status === 400 || status === 413 ? exitCodes.usage : exitCodes.failed;
}

/** One block per problem in the response; `placeOf` finds the position of a field. */
export function blocks(
  kind: string,
  problem: WireProblem,
  placeOf: (field: string | undefined) => string | undefined = () => undefined,
): string {
  return [problem, ...(problem.others ?? [])]
    .map(({ code, detail, field, value, allowed, source, names }) => {
      const place = placeOf(field) ?? source;
      const details = Object.entries({ field, value, allowed, source: place, names });
      return block(kind, {
        code,
        message: detail,
        details: Object.fromEntries(details.filter(([, each]) => each !== undefined)),
      });
    })
    .join('');
}

interface Described {
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** A headline, and a line for each detail that the headline does not contain. */
export function block(kind: string, { code, message, details }: Described): string {
  const { field, value, allowed, source, names } = details;
  const rows: [string, string | undefined][] = [
    ['code', code],
    ['where', source],
    ['field', field],
    ['value', value === undefined ? undefined : inOneLine(value)],
    ['allowed', Array.isArray(allowed) ? some(allowed) : (allowed as string | undefined)],
    ['names', names?.every((name) => message.includes(name)) === false ? some(names) : undefined],
  ];
  const isNew = (text: string | undefined): text is string => text !== undefined && !message.includes(text);
  const lines = rows.flatMap(([label, text]) => (isNew(text) ? [`  ${label.padEnd(8)} ${text}`] : []));
  return `${[`${kind}: ${message}`, ...lines].join('\n')}\n`;
}

/** Enough of a list to recognise it. */
const shownNames = 20;

function some(names: readonly string[]): string {
  const more = names.length - shownNames;
  return `${names.slice(0, shownNames).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}

const inOneLine = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
