/** Errors of ZooKeeper requests, and the mapping from the server's numbers. */

export type ZooKeeperErrorCode =
  | 'NO_NODE'
  | 'NODE_EXISTS'
  | 'BAD_VERSION'
  | 'NOT_EMPTY'
  | 'NO_AUTH'
  /** Refused before sending: no server would accept a request of this size. */
  | 'TOO_LARGE'
  /** Never sent, so not executed: there was no connection, or too many requests were waiting. */
  | 'NOT_CONNECTED'
  /** Sent, and the connection ended before the response: it may have been executed. */
  | 'CONNECTION_LOSS'
  /** Sent, and the session ended before the response: it may have been executed. */
  | 'SESSION_LOST'
  /** The server refused for a reason that no caller distinguishes; the message has its number. */
  | 'OTHER';

/** Thrown by every request of a session. The message names the request and the path, never data. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: ZooKeeperErrorCode;
  /** Index of the refused operation of a multi. Null for other requests, and if the server does not say. */
  readonly opIndex: number | null;

  constructor(code: ZooKeeperErrorCode, message: string, opIndex: number | null = null) {
    super(message);
    this.code = code;
    this.opIndex = opIndex;
  }
}

/** The server's error number for a missing node. */
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

/** The error for a number from the server. Numbers of later server versions are OTHER. */
export function refused(what: string, number: number, opIndex: number | null = null): ZooKeeperError {
  const code = codes[number] ?? 'OTHER';
  const at = opIndex === null ? '' : ` at operation ${opIndex}`;
  return new ZooKeeperError(code, `${what}: the server answered ${code} (${number})${at}`, opIndex);
}
