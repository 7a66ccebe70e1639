/** Output as events: whole characters, and after each of them a position from which the rest is exactly the rest. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toEvents } from '../../src/api/log-events.ts';
import type { RunLogChunk } from '../../src/scheduler/handle.ts';

/** What was printed, from a byte on, in pieces of these sizes. */
async function* printedFrom(
  position: number,
  printed: Uint8Array,
  sizes: Iterator<number>,
): AsyncGenerator<RunLogChunk> {
  for (let at = position; at < printed.length; ) {
    const bytes = printed.subarray(at, at + 1 + (sizes.next().value ?? 0));
    at += bytes.length;
    yield { attempt: 1, stream: 'stdout', bytes, next: { stdout: at, stderr: 0 } };
  }
}

function readEvent(event: string): { position: number; text: string } {
  const [, id, data] = /^id: 1:(\d+):0\nevent: log\ndata: (.*)\n\n$/.exec(event) ?? [];
  return { position: Number(id), text: JSON.parse(data ?? '').text };
}

test('a reader who is cut off again and again reads what was printed, each character once', async () => {
  const character = fc.constantFrom('a', 'é', '€', '😀', '\n', '\ufeff').map((text) => Buffer.from(text));
  const byte = fc.constantFrom(0x80, 0xc3, 0xe2, 0x82, 0xf0, 0x9f, 0xff).map((value) => Buffer.of(value));
  const output = fc.array(fc.oneof({ weight: 3, arbitrary: character }, byte)).map(Buffer.concat);
  const numbers = fc.infiniteStream(fc.nat(5));
  await fc.assert(
    fc.asyncProperty(output, numbers, numbers, async (printed, sizes, luck) => {
      let [said, position, cutOff] = ['', 0, true];
      while (cutOff) {
        cutOff = false;
        const { signal } = new AbortController();
        for await (const event of toEvents(printedFrom(position, printed, sizes), signal)) {
          const { text, position: next } = readEvent(event);
          said += text;
          expect(next).toBeGreaterThan(position);
          position = next;
          cutOff = luck.next().value === 0;
          if (cutOff) break;
        }
      }
      expect(position).toBe(printed.length);
      expect(said).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(printed));
    }),
    { numRuns: 300 },
  );
});

test('a character that is cut in two when the node stops is left to the next reader', async () => {
  const stop = new AbortController();
  async function* output(): AsyncGenerator<RunLogChunk> {
    yield* printedFrom(0, Buffer.from('aé').subarray(0, 2), [1].values());
    stop.abort();
  }
  const events: string[] = [];
  for await (const event of toEvents(output(), stop.signal)) events.push(event);
  expect(events.map(readEvent)).toEqual([{ position: 1, text: 'a' }]);
});
