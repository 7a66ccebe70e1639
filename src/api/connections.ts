/**
 * Ends connections when the app closes: at once where nothing is asked, else after the answer. The platform's
 * own closing leaves two kinds open for a minute: those on which nothing was ever asked, which browsers open
 * in advance, and those whose stream ends because of the closing.
 */

import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

export function endConnectionsAtClose(app: FastifyInstance): void {
  const quiet = new Set<Socket>();
  let closing = false;
  app.server.on('connection', (socket) => {
    if (closing) socket.destroy();
    quiet.add(socket);
    socket.once('close', () => quiet.delete(socket));
  });
  app.server.on('request', ({ socket }, response) => {
    quiet.delete(socket);
    response.once('close', () => {
      if (closing) socket.destroySoon();
      else if (!socket.destroyed) quiet.add(socket);
    });
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of quiet) socket.destroy();
  });
}
