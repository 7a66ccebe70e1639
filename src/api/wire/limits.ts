/** The limits of the API. Schemas, documentation and error messages quote them. */

export const apiLimits = {
  /** Entries per page: a response stays around a megabyte. */
  page: 1_000,
  defaultPage: 100,
  /** Jobs in one apply: twice the largest known installation, decided in a few seconds. */
  applyJobs: 20_000,
  /** Jobs named in one start: more is usually a mistake. */
  startJobs: 5_000,
  /** Jobs of one backfill: the past of each of them is read. */
  backfillJobs: 1_000,
  /** Bytes of one request body: `applyJobs` jobs of typical length. */
  bodyBytes: 32 * 1024 * 1024,
  /**
   * Bytes of all request bodies in memory, not counting `smallBodyBytes` of each: room for four of the
   * largest.
   */
  bodyRoom: { total: 128 * 1024 * 1024, perAddress: 64 * 1024 * 1024, kept: 32 * 1024 * 1024 },
  /** A body up to this many bytes is always accepted. */
  smallBodyBytes: 64 * 1024,
  /** A body of which nothing arrives for this long is refused. */
  bodySilenceMs: 15_000,
  /** Bytes of all answers that clients have not read yet, not counting answers up to `smallAnswerBytes`. */
  answerRoom: { total: 256 * 1024 * 1024, perAddress: 128 * 1024 * 1024, kept: 32 * 1024 * 1024 },
  /** An answer up to this many bytes is always sent. */
  smallAnswerBytes: 4 * 1024,
  /**
   * Closes the connection if the client has not read an answer by then: long enough for a page over a slow
   * line.
   */
  answerMs: 120_000,
  /**
   * Concurrent requests of one connection: most clients wait for an answer before they send the next request.
   */
  pipelined: 16,
  /** Concurrent connections. A new connection replaces an idle one. */
  connections: 1_024,
  connectionsPerAddress: 512,
  /**
   * Reads in progress. They share one event loop, so more would only take more memory; the others wait.
   */
  reads: 16,
  /** Long responses that are sent as they are produced: each keeps its page in memory until it is read. */
  longAnswers: { total: 128, perAddress: 64, kept: 16 },
  /** Concurrent streams of events or output: above this they are usually forgotten browser tabs. */
  streams: { total: 256, perAddress: 128, kept: 32 },
  /** Concurrent requests of log-ins: strangers make this server ask the identity provider. */
  logIns: { total: 32, perAddress: 8, kept: 4 },
  /** Bytes of a request about one item: a job is at most half of it. */
  jobBytes: 1024 * 1024,
  /** Bytes of the body of a request that needs none. */
  noBodyBytes: 1_024,
  /** Output that a heartbeat carries. */
  outputBytes: 1024 * 1024,
  /** Due times of one preview. */
  instants: 1_000,
  /** Days of statistics in one answer. */
  days: 400,
  /** Nodes of one graph: more cannot be drawn. */
  graphNodes: 20_000,
  /** Jobs of one grid: more is not read at once, neither by a person nor here. */
  gridJobs: 500,
  /** Columns of one grid, a page of a longer one. */
  gridColumns: 100,
  /** Ledger entries and runs read for one grid, of all its jobs together: about a second of work in small turns. */
  gridRecords: 100_000,
  /** Recent runs shown with a job in a list. */
  recentRuns: 12,
  /** Jobs named in one list of the overview: as many as a person can take in. */
  overview: 20,
  /** Runs read for one chart: reading them from the archive takes well under a second. */
  plottedRuns: 20_000,
  /** Steps of one chart: more than a screen has pixels for. */
  steps: 1_000,
  /** Bars of one timeline: past and running, and as many upcoming. */
  bars: 2_000,
  /** Unfinished runs named with a job. `GET /runs?job=` lists all of them. */
  runsNamed: 100,
  /** Characters of the name of the user who requests a change. */
  byLength: 128,
  /**
   * A backup is aborted if its client reads nothing for this long, because the store keeps a snapshot open
   * for it.
   */
  backupStallMs: 60_000,
  /** Maximum duration of a backup, however its client reads. */
  backupMs: 3_600_000,
  /** Lines of output that `tail` can request. */
  tail: 1_000_000,
  /** Concurrent searches in output: each reads from disk as fast as it can. */
  searches: { total: 16, perAddress: 8, kept: 4 },
  /**
   * One search. Characters of its text, lines of context on each side, hits, bytes of output and runs: the maxima
   * take some seconds, the defaults less than one.
   */
  searchText: 200,
  searchContext: 20,
  searchHits: { most: 1_000, usual: 100 },
  searchBytes: { most: 1024 * 1024 * 1024, usual: 64 * 1024 * 1024 },
  searchRuns: { most: 1_000, usual: 100 },
} as const;
