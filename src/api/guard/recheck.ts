/** Ends answers that last for hours once whoever asked for them may not have them any more. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { sameJson } from '../../scheduler/job/same.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { Authenticator } from './authenticator.ts';
import { askerIn, questionOf } from './needs.ts';
import { whenOver } from './room.ts';

/** For how long a stream outlives its token or session. */
export const recheckMs = 5_000;

/**
 * Ends the connection once the credential is not valid any more, or allows something else than at the start: the client
 * comes back, and gets what it may have then. What another node asks for ends when that node ends it.
 */
export function endOnceRefused(
  { authenticator, clock }: { readonly authenticator: Authenticator; readonly clock: Clock },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (request.isPeer) return;
  const { bindings } = askerIn(request).principal;
  let isOver = false;
  const check = async (): Promise<void> => {
    const isSame = await authenticator.authenticate(questionOf(request)).then(
      (principal) => sameJson(principal.bindings, bindings),
      () => false,
    );
    if (isOver) return;
    if (isSame) cancel = clock.after(recheckMs, check);
    else reply.raw.destroy();
  };
  let cancel = clock.after(recheckMs, check);
  whenOver(reply, () => {
    isOver = true;
    cancel();
  });
}
