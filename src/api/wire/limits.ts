/** The bounds of the interface. Schemas, documentation and refusals quote them; clients may take them from here. */

export const apiLimits = {
  /** Entries of one page: an answer stays around a megabyte. */
  page: 1_000,
  defaultPage: 100,
  /** Jobs in one apply: the largest known single installation twice over, decided in a few seconds. */
  applyJobs: 20_000,
  /** Jobs named in one start: more at once is a mistake more often than a wish. */
  startJobs: 5_000,
  /** Bytes of one request body: `applyJobs` jobs of usual length. */
  bodyBytes: 32 * 1024 * 1024,
  /** Bytes of bodies in memory at once, beyond `smallBodyBytes` of each: room for four of the largest. */
  bodyRoom: { total: 128 * 1024 * 1024, perAddress: 64 * 1024 * 1024, kept: 32 * 1024 * 1024 },
  /** Bytes of a body for which there is always room. */
  smallBodyBytes: 64 * 1024,
  /** A body of which nothing comes for so long is given up. */
  bodySilenceMs: 15_000,
  /** Bytes of answers that are made and not yet taken, beyond those of `smallAnswerBytes`. */
  answerRoom: { total: 256 * 1024 * 1024, perAddress: 128 * 1024 * 1024, kept: 32 * 1024 * 1024 },
  /** Bytes of an answer for which there is always room. */
  smallAnswerBytes: 4 * 1024,
  /** An answer that is made and not taken as a whole in this time is given up: a page over a slow line. */
  answerMs: 120_000,
  /** Concurrent requests of one connection: most clients wait for an answer before they send the next. */
  pipelined: 16,
  /** Connections at once; an idle one makes way for a new one. */
  connections: 1_024,
  connectionsPerAddress: 512,
  /** Streams of events and followed output: more are pages that somebody forgot to close. */
  streams: { total: 256, perAddress: 128, kept: 32 },
  /** Bytes of a request about one thing: a job has half of it at most. */
  jobBytes: 1024 * 1024,
  /** Bytes of a body that says nothing. */
  noBodyBytes: 1_024,
  /** Due instants of one preview. */
  instants: 1_000,
  /** Days of statistics in one answer. */
  days: 400,
  /** Nodes of one graph: more can't be drawn. */
  graphNodes: 20_000,
  /** Last runs shown with a job in a list. */
  recentRuns: 12,
  /** Jobs named in one list of the overview: what a person takes in. */
  overview: 20,
  /** Runs that one answer about a stretch of time is made of: read from the archive in well under a second. */
  plottedRuns: 20_000,
  /** Steps of such a stretch: more than a screen has room for. */
  steps: 1_000,
  /** Bars of one timeline: past and running, and as many coming. */
  bars: 2_000,
  /** Unfinished runs named in a job's answer; `GET /runs?job=` lists all of them. */
  runsNamed: 100,
  /** Characters of who asked for a change. */
  byLength: 128,
  /** A backup whose reader takes nothing for this long is given up: the store keeps its moment for it. */
  backupStallMs: 60_000,
  /** A backup takes no longer, however it is read. */
  backupMs: 3_600_000,
  /** Lines of output that `tail` may ask for. */
  tail: 1_000_000,
} as const;
