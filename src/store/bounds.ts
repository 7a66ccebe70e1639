/** How much of the past is kept, and why. */
export const bounds = {
  /** Ended runs per job: two weeks of an hourly job, and a page of a frequent one. */
  historyPerJob: 500,
  /** Ledger lines per job: a year of a daily job many times over; frequent jobs keep their last hours in full. */
  ledgerPerJob: 5_000,
  /** Revisions per job: more than anybody compares. */
  revisionsPerJob: 100,
  /** Days of histograms per job: a year and a month. */
  daysPerJob: 400,
  /** A bound is overrun by this share before it is cut, so that cutting costs little per write. */
  slack: 0.1,
} as const;
