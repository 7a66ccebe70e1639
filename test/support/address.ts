import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * The address that a server prints when it listens. `printed` gets what it prints until then. Fails if the server ends
 * without one.
 */
export async function addressOf(server: ChildProcess, printed: string[] = []): Promise<string> {
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
    printed.push(`${line}\n`);
    const url = /https?:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended before it listened:\n${printed.join('')}`);
}
