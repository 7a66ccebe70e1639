/** How people and programs get credentials, as the API knows it: whoever serves the app brings the `Credentials`. */

import type { DeviceLogIn, LogInOptions, NewToken, Redirect } from '../../who-asks/log-in.ts';
import type { Question } from '../../who-asks/question.ts';

export interface Credentials {
  newToken(): NewToken;
  /** That signs sessions and requests between nodes. */
  newKey(): { readonly id: string; readonly secret: string };
  options(): LogInOptions;
  /** Why the file of people could not be read again. For administrators. */
  readonly problem: string | null;
  /** `to`: a path of this server for after the log-in. NOT_FOUND, PROVIDER_UNAVAILABLE. */
  begin(question: Question, to: string): Promise<Redirect>;
  /** The return from the provider. UNAUTHENTICATED, FORBIDDEN, PROVIDER_UNAVAILABLE. */
  finish(question: Question): Promise<Redirect>;
  /** By the link that was printed at the start. UNAUTHENTICATED. */
  byLink(question: Question, code: string): Promise<Redirect>;
  /** By a token. Returns values of `set-cookie`. UNAUTHENTICATED. */
  byToken(question: Question, token: string): Promise<readonly string[]>;
  beginDevice(): Promise<DeviceLogIn>;
  /** The text of a session. Null: the person has not finished yet. */
  finishDevice(question: Question, device: string): Promise<string | null>;
  /** Whether the request has a session that goes on. */
  hasSession(question: Question): Promise<boolean>;
  /** Ends the session of the request, if it has one. Returns values of `set-cookie` for the browser. */
  logOut(question: Question): Promise<readonly string[]>;
}
