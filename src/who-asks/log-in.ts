/** What log-ins and new tokens give to whoever asks for them. */

/** An answer that sends the browser on. */
export interface Redirect {
  readonly location: string;
  /** Values of `set-cookie`. */
  readonly cookies: readonly string[];
}

export interface LogInOptions {
  /** Host of the identity provider. Null: there is none. */
  readonly provider: string | null;
}

/** A log-in that is finished on another device. */
export interface DeviceLogIn {
  /** For the next question. */
  readonly device: string;
  readonly userCode: string;
  readonly url: string;
  /** With the code in it. */
  readonly wholeUrl: string | null;
  readonly expiresInS: number;
  readonly everyS: number;
}

export interface NewToken {
  readonly id: string;
  /** Shown once, and stored nowhere. */
  readonly text: string;
  readonly sha256: string;
}
