/** The port to what has an end: certificates that this node uses. */

export interface Expiry {
  /** Such as that of its file. */
  readonly name: string;
  readonly at: number;
}

/** When they end, as they are now. Never rejects: what cannot be read is left out. */
export type Expiries = () => Promise<readonly Expiry[]>;
