/** What is found in the server's reasons, by the ids and instants that the server writes into them. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compactInstant, runId } from '../../src/scheduler/model/ids.ts';
import { reasonParts } from '../../web/src/parts/reason-parts.ts';

describe('a reason', () => {
  test.each([
    ['exit code 1', []],
    ['overlap: a.20261121T145019Z is still running', ['a.20261121T145019Z']],
    [
      'waits for a.b.20261121T145019495Z-m47, a.b.20261121T150000Z to end',
      ['a.b.20261121T145019495Z-m47', 'a.b.20261121T150000Z'],
    ],
    ['replaced by a-b.20261121T145019Z-rm1.', ['a-b.20261121T145019Z-rm1']],
    ['retry 1 of 2 at 2026-11-21T14:50:19.000Z', ['2026-11-21T14:50:19.000Z']],
    ['file a.20261121.csv is missing', []],
  ])('%s', (reason, named) => {
    expect(reasonParts(reason).flatMap((part) => (part.kind === 'text' ? [] : [textOf(part)]))).toEqual(
      named,
    );
  });

  test('keeps all of its text, and finds each run with its job and due instant', () => {
    const job = fc.stringMatching(/^[A-Za-z0-9_.-]{1,40}$/);
    const due = fc.integer({ min: 0, max: Date.UTC(2100, 0) });
    const variant = fc.constantFrom('', 'm471a6a63711b41e6', 'r471a-2');
    fc.assert(
      fc.property(job, due, variant, (name, at, which) => {
        const id = runId(name, at, which);
        const reason = `waits for ${id} to end`;
        const parts = reasonParts(reason);
        expect(parts.map(textOf).join('')).toBe(reason);
        expect(parts[1]).toEqual({ kind: 'run', id, job: name, due: new Date(at).toISOString() });
        expect(id).toContain(compactInstant(at));
      }),
    );
  });
});

function textOf(part: ReturnType<typeof reasonParts>[number]): string {
  if (part.kind === 'text') return part.text;
  return part.kind === 'run' ? part.id : part.at;
}
