/**
 * The catalogue of expected failures. Everything that a user, a file or an engine can get wrong has a code
 * here, and nothing else is thrown on purpose. A broken invariant is not an expected failure: it is an
 * `InvariantError`, which stops the leader before it writes state that it cannot trust.
 */

/** One code per failure. `status` is the HTTP status of the API's response. */
export const catalogue = {
  // Invalid input.
  INVALID_FIELD: { status: 400, title: 'A field has a value that is not allowed' },
  UNKNOWN_FIELD: { status: 400, title: 'Unknown field' },
  MISSING_FIELD: { status: 400, title: 'Missing required field' },
  INVALID_BODY: { status: 400, title: 'Invalid body' },
  INVALID_TEMPLATE: { status: 400, title: 'Invalid template' },
  INVALID_SCHEDULE: { status: 400, title: 'Invalid schedule' },
  NO_DUE_TIMES: { status: 400, title: 'The range has no due time of the job' },
  SCHEDULE_NEVER_FIRES: { status: 400, title: 'The schedule has no due time' },
  UNKNOWN_TIMEZONE: { status: 400, title: 'Unknown time zone' },
  UNKNOWN_SETTING: { status: 400, title: 'Unknown setting' },
  UNKNOWN_PARENT: { status: 400, title: 'Unknown parent job' },
  UNKNOWN_CALENDAR: { status: 400, title: 'Unknown calendar' },
  DEPENDENCY_CYCLE: { status: 400, title: 'The dependencies form a cycle' },
  ENGINE_NOT_CONFIGURED: { status: 400, title: 'The engine is not configured on this installation' },
  UNSUPPORTED_BY_ENGINE: { status: 400, title: 'Not supported by the engine' },
  MISDIRECTED: { status: 421, title: 'The request is for another host' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed for this address' },
  TOO_SLOW: { status: 408, title: 'The request took too long to arrive' },
  INVALID_BACKUP: { status: 400, title: 'Invalid backup' },
  LIMIT_EXCEEDED: { status: 413, title: 'A limit is exceeded' },
  // Not allowed to this one who asks.
  UNAUTHENTICATED: { status: 401, title: 'Who asks is not proven' },
  FORBIDDEN: { status: 403, title: 'A permission is missing' },
  POLICY_REFUSED: { status: 403, title: 'The run policy of the installation does not allow it' },
  TOO_MANY_ATTEMPTS: { status: 429, title: 'Too many failed attempts' },
  // Missing, or in the wrong state.
  JOB_NOT_FOUND: { status: 404, title: 'The job does not exist' },
  ALERT_NOT_FOUND: { status: 404, title: 'The alert is not open' },
  RECEIVER_NOT_FOUND: { status: 404, title: 'The receiver does not exist' },
  NOTIFICATION_NOT_FOUND: { status: 404, title: 'The notification is not owed' },
  BACKFILL_NOT_FOUND: { status: 404, title: 'The backfill does not exist' },
  RUN_NOT_FOUND: { status: 404, title: 'The run does not exist' },
  REVISION_NOT_FOUND: { status: 404, title: 'The revision does not exist' },
  TOKEN_NOT_FOUND: { status: 404, title: 'The token does not exist' },
  CALENDAR_NOT_FOUND: { status: 404, title: 'The calendar does not exist' },
  MAINTENANCE_NOT_FOUND: { status: 404, title: 'The maintenance does not exist' },
  NOT_FOUND: { status: 404, title: 'Nothing at this address' },
  JOB_EXISTS: { status: 409, title: 'A job with this name already exists' },
  TOKEN_EXISTS: { status: 409, title: 'A token with this name already exists' },
  JOB_HAS_DEPENDENTS: { status: 409, title: 'Other jobs depend on the job' },
  CALENDAR_IN_USE: { status: 409, title: 'Jobs use the calendar' },
  REVISION_CONFLICT: { status: 409, title: 'The job was changed in the meantime' },
  BACKFILL_ENDED: { status: 409, title: 'The backfill has ended' },
  BACKFILL_OVERLAPS: { status: 409, title: 'Another backfill has some of the same due times' },
  RUN_ENDED: { status: 409, title: 'The run has already ended' },
  RUN_NOT_ENDED: { status: 409, title: 'The run has not ended yet' },
  NOTHING_FAILED: { status: 409, title: 'Nothing of the pipeline has failed' },
  JOB_RUNS_ELSEWHERE: { status: 409, title: 'Somebody else runs the job' },
  REPORT_NOT_AWAITED: { status: 409, title: 'The runs of the job are not reported' },
  OUTCOME_NOT_AWAITED: { status: 409, title: 'The run does not wait for a reported result' },
  BACKUP_UNDER_WAY: { status: 409, title: 'A backup is already being taken' },
  STORE_NOT_EMPTY: { status: 409, title: 'A store already exists' },
  LOGS_GONE: { status: 410, title: 'The logs are no longer kept' },
  // Unavailable at the moment.
  NOT_LEADING: { status: 503, title: 'This node is not the leader at the moment' },
  STORE_UNAVAILABLE: { status: 503, title: 'The store is unavailable' },
  STORE_DAMAGED: { status: 503, title: 'The store is damaged' },
  STORE_TOO_NEW: { status: 503, title: 'The store was written by a later release' },
  ADDRESS_UNAVAILABLE: { status: 503, title: 'The address cannot be used for listening' },
  STORE_IN_USE: { status: 503, title: 'The data directory is in use by another process' },
  ENGINE_UNAVAILABLE: { status: 503, title: 'The engine is unavailable' },
  NO_PLACE: { status: 503, title: 'The engine has no capacity at the moment' },
  PROVIDER_UNAVAILABLE: { status: 503, title: 'The identity provider is unavailable' },
  BUSY: { status: 503, title: 'The server is busy' },
  LAUNCH_REFUSED: { status: 502, title: 'The engine refused the launch' },
  NOTIFICATION_FAILED: { status: 502, title: 'The notification was not delivered' },
  NOTIFICATION_REFUSED: { status: 502, title: 'The receiver refused the notification' },
} as const;

export type ErrorCode = keyof typeof catalogue;

/**
 * Details of a failure. They are shown to the user as they are, except that long texts are shortened, so they
 * never contain a secret.
 */
export interface ErrorDetails {
  /** Path of the field as the user wrote it, such as `policy.retries.limit` or `schedule.cron`. */
  readonly field?: string;
  /** The rejected value. */
  readonly value?: unknown;
  /** What is allowed, as a text or a list. */
  readonly allowed?: string | readonly string[];
  /** Where the input came from, such as `jobs.yaml:12`, `--port`, `CARILLON_PORT` or `body`. */
  readonly source?: string;
  /** Related names, such as the path of a cycle or the dependent jobs. */
  readonly names?: readonly string[];
  /** In how many seconds to try again. */
  readonly retryAfter?: number;
  /** Further problems with the same job. */
  readonly others?: readonly CarillonError[];
}

/** An expected failure. Catch by `code`, never by the text of the message. */
export class CarillonError extends Error {
  override readonly name = 'CarillonError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(shortened(message));
    this.code = code;
    this.details = shortenedDetails(details);
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  /** A copy with the given source, also in the problems that it carries. */
  from(source: string): CarillonError {
    const { others, ...details } = this.details;
    return new CarillonError(this.code, this.message, {
      ...details,
      source,
      ...(others !== undefined && { others: others.map((other) => other.from(source)) }),
    });
  }
}

const [shownHead, shownTail] = [1_200, 800];

/** A problem quotes its input, which may have any length: the beginning and the end of a long text. */
export function shortened(text: string): string {
  const cut = ' … ';
  if (text.length <= shownHead + cut.length + shownTail) return text;
  return `${text.slice(0, shownHead)}${cut}${text.slice(-shownTail)}`;
}

function shortenedDetails(details: ErrorDetails): ErrorDetails {
  const { field, value, source } = details;
  return {
    ...details,
    ...(field !== undefined && { field: shortened(field) }),
    ...(typeof value === 'string' && { value: shortened(value) }),
    ...(source !== undefined && { source: shortened(source) }),
  };
}

/** Returns the first problem, carrying all others, or null if there are none. */
export function firstOf(problems: readonly CarillonError[]): CarillonError | null {
  const [first, ...others] = problems.flatMap(problemsIn);
  if (first === undefined || others.length === 0) return first ?? null;
  return new CarillonError(first.code, first.message, { ...first.details, others });
}

/** Flattens a problem into itself and the problems that it carries. */
export function problemsIn(problem: CarillonError): CarillonError[] {
  const { others, ...details } = problem.details;
  if (others === undefined) return [problem];
  return [new CarillonError(problem.code, problem.message, details), ...others.flatMap(problemsIn)];
}

/** Returns the results of all checks, or throws all refusals as one error: the first, carrying the others. */
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

/** The state breaks a rule that the program itself guarantees. The leader stops instead of continuing. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an `InvariantError` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
