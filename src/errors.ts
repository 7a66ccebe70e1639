/**
 * The catalogue of expected failures: everything a user, a file or an engine can get wrong has a code here,
 * and nothing else is thrown on purpose. A broken invariant is not an expected failure: it is an
 * `InvariantError`, which stops the leader rather than letting it write what it can't trust.
 */

/** One code per thing that can go wrong; `status` is the HTTP status the API answers with. */
export const catalogue = {
  // What was sent can't be read or is not allowed.
  INVALID_FIELD: { status: 400, title: 'A field has a value that is not allowed' },
  UNKNOWN_FIELD: { status: 400, title: 'A field is not known' },
  MISSING_FIELD: { status: 400, title: 'A required field is missing' },
  INVALID_BODY: { status: 400, title: 'The body can not be read' },
  INVALID_SCHEDULE: { status: 400, title: 'The schedule can not be read' },
  SCHEDULE_NEVER_FIRES: { status: 400, title: 'The schedule has no due instant' },
  UNKNOWN_TIMEZONE: { status: 400, title: 'The time zone is not known' },
  UNKNOWN_SETTING: { status: 400, title: 'The setting is not known' },
  UNKNOWN_PARENT: { status: 400, title: 'A parent does not exist' },
  DEPENDENCY_CYCLE: { status: 400, title: 'The dependencies form a cycle' },
  ENGINE_NOT_CONFIGURED: { status: 400, title: 'The engine is not configured here' },
  UNSUPPORTED_BY_ENGINE: { status: 400, title: 'The engine can not honour this' },
  MISDIRECTED: { status: 421, title: 'The request is for another host' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not for this address' },
  TOO_SLOW: { status: 408, title: 'The request took too long to arrive' },
  INVALID_BACKUP: { status: 400, title: 'The backup can not be restored' },
  LIMIT_EXCEEDED: { status: 413, title: 'A bound is exceeded' },
  // What was asked for is not there, or not in the right state.
  JOB_NOT_FOUND: { status: 404, title: 'The job does not exist' },
  RUN_NOT_FOUND: { status: 404, title: 'The run does not exist' },
  REVISION_NOT_FOUND: { status: 404, title: 'The revision does not exist' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  JOB_EXISTS: { status: 409, title: 'A job of this name exists already' },
  JOB_HAS_DEPENDENTS: { status: 409, title: 'Other jobs depend on the job' },
  REVISION_CONFLICT: { status: 409, title: 'The job was changed in the meantime' },
  RUN_ENDED: { status: 409, title: 'The run has ended already' },
  RUN_NOT_ENDED: { status: 409, title: 'The run has not ended yet' },
  OUTCOME_NOT_AWAITED: { status: 409, title: 'The run does not wait for an outcome' },
  BACKUP_UNDER_WAY: { status: 409, title: 'A backup is being taken already' },
  STORE_NOT_EMPTY: { status: 409, title: 'There is a store already' },
  LOGS_GONE: { status: 410, title: 'The logs are no longer kept' },
  // What the surroundings can't give now.
  NOT_LEADING: { status: 503, title: 'This node does not lead at the moment' },
  STORE_UNAVAILABLE: { status: 503, title: 'The store can not be reached' },
  STORE_DAMAGED: { status: 503, title: 'The store is damaged' },
  STORE_TOO_NEW: { status: 503, title: 'The store was written by a later release' },
  ADDRESS_UNAVAILABLE: { status: 503, title: 'The address can not be listened on' },
  STORE_IN_USE: { status: 503, title: 'The data directory is in use by another process' },
  ENGINE_UNAVAILABLE: { status: 503, title: 'The engine can not be reached' },
  NO_PLACE: { status: 503, title: 'The engine has no place for it now' },
  BUSY: { status: 503, title: 'The server has no room for it now' },
  LAUNCH_REFUSED: { status: 502, title: 'The engine refused to launch' },
} as const;

export type ErrorCode = keyof typeof catalogue;

/** Where and what: carried to the user as it is, so it never holds a secret. */
export interface ErrorDetails {
  /** Path of the field in what the user wrote: `policy.retries.limit`, `schedule.cron`. */
  readonly field?: string;
  /** The offending value, shortened where it is long. */
  readonly value?: unknown;
  /** What would be accepted, in words or as a list. */
  readonly allowed?: string | readonly string[];
  /** Where the input came from: `jobs.yaml:12`, `--port`, `CARILLON_PORT`, `body`. */
  readonly source?: string;
  /** The path of a cycle, the names of dependents and the like. */
  readonly names?: readonly string[];
  /** What else is wrong with the same job. */
  readonly others?: readonly CarillonError[];
}

/** An expected failure. Throw these; catch by `code`, never by the words of the message. */
export class CarillonError extends Error {
  override readonly name = 'CarillonError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  /** The same, with the place where the input came from; so are those that it carries. */
  from(source: string): CarillonError {
    const { others, ...details } = this.details;
    return new CarillonError(this.code, this.message, {
      ...details,
      source,
      ...(others !== undefined && { others: others.map((other) => other.from(source)) }),
    });
  }
}

/** The first of some problems with one thing, which carries the others and theirs; null where there are none. */
export function firstOf(problems: readonly CarillonError[]): CarillonError | null {
  const [first, ...others] = problems.flatMap(problemsIn);
  if (first === undefined || others.length === 0) return first ?? null;
  return new CarillonError(first.code, first.message, { ...first.details, others });
}

/** The problem and those that it carries, each by itself. */
export function problemsIn(problem: CarillonError): CarillonError[] {
  const { others, ...details } = problem.details;
  if (others === undefined) return [problem];
  return [new CarillonError(problem.code, problem.message, details), ...others.flatMap(problemsIn)];
}

/** The answers of all checks; throws all that they refuse as one refusal, the first of which carries the others. */
export function allAnswers<T extends readonly unknown[]>(
  ...checks: { readonly [I in keyof T]: () => T[I] }
): T {
  const problems: CarillonError[] = [];
  const answers = checks.map((check) => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      problems.push(error);
      return undefined;
    }
  });
  const problem = firstOf(problems);
  if (problem !== null) throw problem;
  return answers as unknown as T;
}

/** State is not what the program's own rules promise: the leader stops instead of going on. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an `InvariantError` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
