/** The output of a launch on a host, read through its agent. */

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { keptPath } from '../logs/frame-log.ts';
import { FrameOutput } from '../logs/frame-output.ts';
import type { Agent } from './agent.ts';

const blockBytes = 64 * 1024;

export class HostOutput extends FrameOutput {
  readonly #agent: () => Agent;
  readonly #path: (part: number) => string;
  /** Of all parts. The host may be anybody's. */
  readonly #maxBytes: number;

  /** `path`: of each part, as the agent knows it. */
  constructor(agent: () => Agent, path: (part: number) => string, maxBytes: number) {
    super({
      open: async (part) => {
        if ((await agent().size(path(part))) === null) return null;
        return {
          read: async (buffer, offset, length, position) => {
            const wanted = Math.min(length, blockBytes, maxBytes - position);
            if (wanted <= 0) return { bytesRead: 0, buffer };
            const bytes = await agent().readPart(path(part), position, wanted);
            return { bytesRead: bytes?.copy(buffer, offset) ?? 0, buffer };
          },
          close: async () => undefined,
        };
      },
      size: (part) => agent().size(path(part)),
    });
    this.#agent = agent;
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** Fetches it. What is on the host remains. */
  async moveTo(directory: string): Promise<void> {
    const next = join(dirname(directory), `.${directory.slice(dirname(directory).length + 1)}.next`);
    await rm(next, { recursive: true, force: true });
    await mkdir(next, { recursive: true, mode: 0o700 });
    let left = this.#maxBytes;
    for (const part of await this.parts()) left -= await this.#fetch(part, keptPath(next, part), left);
    await rm(directory, { recursive: true, force: true });
    await rename(next, directory);
  }

  async #fetch(part: number, to: string, maxBytes: number): Promise<number> {
    const file = await open(to, 'wx', 0o600);
    try {
      let at = 0;
      while (at < maxBytes) {
        const wanted = Math.min(blockBytes, maxBytes - at);
        const bytes = await this.#agent().readPart(this.#path(part), at, wanted);
        if (bytes === null) break;
        await file.write(bytes);
        at += bytes.length;
        // Its end; or a host that sends a byte at a time.
        if (bytes.length < wanted) break;
      }
      return at;
    } finally {
      await file.close();
    }
  }
}
