/** When the certificates end with which a client reaches an engine. */

import type { Expiries } from '../../scheduler/expiry.ts';
import { expiriesIn } from '../expiries.ts';
import type { TlsFiles } from './address.ts';

/** Null: there are none. */
export const expiriesOf = (tls: TlsFiles | null): Expiries =>
  expiriesIn(tls === null ? [] : [tls.caFile, tls.certFile]);
