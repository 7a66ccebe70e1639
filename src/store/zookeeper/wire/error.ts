/** What can go wrong with one request to ZooKeeper, and how the server's numbers become our words. */

export type ZooKeeperErrorCode =
  | 'NO_NODE'
  | 'NODE_EXISTS'
  | 'BAD_VERSION'
  | 'NOT_EMPTY'
  | 'NO_AUTH'
  /** Refused here, before sending: no server would take a request of this size. */
  | 'TOO_LARGE'
  /** Never sent, so never run: there was no connection, or far too many requests waited on it. */
  | 'NOT_CONNECTED'
  /** Sent, and the connection went before the answer: it may have run or not. */
  | 'CONNECTION_LOSS'
  /** Sent, and the session ended before the answer: it may have run or not. */
  | 'SESSION_LOST'
  /** The server refused for a reason that no caller tells apart; the message has its number. */
  | 'OTHER';

/** Thrown by every request of a session. The message names the request and the path, never data. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: ZooKeeperErrorCode;
  /** Which operation of a multi was refused; null for other requests, and where the server does not say. */
  readonly opIndex: number | null;

  constructor(code: ZooKeeperErrorCode, message: string, opIndex: number | null = null) {
    super(message);
    this.code = code;
    this.opIndex = opIndex;
  }
}

/** The server's number for a node that is not there. */
export const noNode = -101;

const codes: Readonly<Record<number, ZooKeeperErrorCode>> = {
  [-4]: 'CONNECTION_LOSS',
  [noNode]: 'NO_NODE',
  [-102]: 'NO_AUTH',
  [-103]: 'BAD_VERSION',
  [-110]: 'NODE_EXISTS',
  [-111]: 'NOT_EMPTY',
  [-112]: 'SESSION_LOST',
};

/** The error of a number that the server answered. Numbers of later server versions are OTHER. */
export function refused(what: string, number: number, opIndex: number | null = null): ZooKeeperError {
  const code = codes[number] ?? 'OTHER';
  const at = opIndex === null ? '' : ` at operation ${opIndex}`;
  return new ZooKeeperError(code, `${what}: the server answered ${code} (${number})${at}`, opIndex);
}
