/** How the API learns who asks. It knows no credential: whoever serves the app brings the `Authenticator`. */

import type { CarillonError } from '../../errors.ts';
import type { PeerHeaders } from '../../peers/client.ts';
import type { Asker, Principal } from '../../scheduler/access/principal.ts';
import type { Passed, Question } from '../../who-asks/question.ts';

/** What another node asked of an engine of this one, in which term, and whether it was answered with an error. */
export interface NodeCall {
  readonly action: string;
  readonly engine: string;
  readonly launchName: string;
  readonly term: number;
  readonly failed: boolean;
}

export interface Authenticator {
  /** Who asks. UNAUTHENTICATED, TOO_MANY_ATTEMPTS. */
  authenticate(question: Question): Promise<Principal>;
  /** Who asked the node that passed the request on, or that node itself. Only if `isPeer`. UNAUTHENTICATED. */
  received(question: Question): Promise<Asker>;
  /** Notes for the audit that somebody known may not do it. */
  refused(asker: Asker, question: Question, problem: CarillonError): void;
  /** Notes for the audit what another node asked of an engine here. */
  called(asker: Asker, call: NodeCall): void;
  /** Headers by which the other node knows for whom it is asked. */
  passOn(asker: Asker, passed: Passed): Promise<PeerHeaders>;
}
