/** Requests, as far as it takes to tell who asks. */

import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** What is known of a request before its body is read. */
export interface Question {
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  readonly method: string;
  /** With the query, as requested. */
  readonly path: string;
  /** It came in at the listener for other nodes. */
  readonly isPeer: boolean;
}

/** A request that a node sends to another one for somebody. */
export interface Passed {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}
