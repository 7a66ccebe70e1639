/** How a request to a server fails. */

import type { WireProblem } from '../api/wire/schema.ts';

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: WireProblem;

  constructor(problem: WireProblem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export const isUnknownRun = (error: unknown): boolean =>
  error instanceof ProblemError && error.problem.code === 'RUN_NOT_FOUND';

export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** A server was reached, so the request may have been carried out. */
  readonly reached: boolean;

  constructor(message: string, reached: boolean) {
    super(message);
    this.reached = reached;
  }
}
