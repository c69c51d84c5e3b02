/**
 * Connections on which nothing was ever asked. Browsers open some in advance, and Node waits for them when it closes: it takes them
 * for busy, because no request on them has ended, and its own timeout for the first header ends with the closing.
 */
import type { Socket } from 'node:net';
import type { HttpApp } from './context.ts';

/** Cuts them when the app closes, also those that come meanwhile. Nobody loses anything: nothing was asked. */
export function cutSilentConnections(app: HttpApp): void {
  const silent = new Set<Socket>();
  let isClosing = false;
  app.server.on('connection', (socket) => {
    if (isClosing) {
      socket.destroy();
      return;
    }
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  app.server.on('request', ({ socket }) => silent.delete(socket));
  app.addHook('preClose', async () => {
    isClosing = true;
    for (const socket of silent) socket.destroy();
  });
}
