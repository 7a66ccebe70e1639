/** Who may make and change backfills, and who sees them. */

import { expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { Asker, Binding } from '../../../src/scheduler/access/principal.ts';
import { archiveFor } from '../../../src/scheduler/authorized/archive.ts';
import { readerFor } from '../../../src/scheduler/authorized/reader.ts';
import { Redaction } from '../../../src/scheduler/authorized/redaction.ts';
import { Sight } from '../../../src/scheduler/authorized/sight.ts';
import type { Command } from '../../../src/scheduler/command.ts';
import { SYSTEM_OWNER } from '../../../src/scheduler/model/ids.ts';
import type { Archive } from '../../../src/scheduler/ports.ts';
import { readerOf } from '../../../src/scheduler/read/job-reader.ts';
import { Rig } from '../../support/rig.ts';

const asker = (...bindings: Binding[]): Asker => ({
  principal: { kind: 'token', name: 'ci', id: 'abcabcabcabc', bindings },
  from: null,
  via: null,
});
const sales = (role: Binding['role']): Asker => asker({ role, jobs: 'sales-*' });

/** `sales-a` ← `hr-b`, and alone `sales-c`. */
function fleet(): Rig {
  const rig = new Rig('2026-11-21T12:00:00Z');
  rig.put(
    { name: 'sales-a', schedule: { cron: '0 2 * * *' }, run: { command: 'true', env: { REGION: 'eu' } } },
    { name: 'hr-b', schedule: { after: { parents: ['sales-a'] } } },
    { name: 'sales-c', schedule: { cron: '0 2 * * *' } },
  );
  return rig;
}

function backfill(
  job: string,
  more: { downstream?: boolean; id?: string; params?: Record<string, string> } = {},
): Command {
  const { id = 'fill', downstream = false, params = {} } = more;
  const due = Date.parse('2026-11-20T02:00:00Z');
  const options = {
    ...{ from: due, to: due + 1, only: [], downstream, atOnce: 1, newestFirst: false, params },
    does: 'run' as const,
  };
  return { kind: 'backfill', id, targets: [{ job, dues: [due] }], options, dryRun: false, by: 'ann' };
}

function outcome(rig: Rig, command: Command, who: Asker): string {
  try {
    rig.submit(command, who);
    return 'done';
  } catch (error) {
    if (error instanceof CarillonError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

test.each<[what: string, command: Command, who: Asker, becomes: RegExp]>([
  ['an operator makes one of his jobs', backfill('sales-a'), sales('operator'), /^done$/],
  ['a viewer makes none', backfill('sales-a'), sales('viewer'), /^FORBIDDEN: .*operate on 'sales-a'/],
  ['who cannot read a job', backfill('hr-b'), sales('operator'), /^JOB_NOT_FOUND/],
  [
    'downstream needs the permission on what follows, without naming what cannot be read',
    backfill('sales-a', { downstream: true }),
    sales('operator'),
    /^FORBIDDEN: (?!.*hr-b).*cannot read/,
  ],
  [
    'downstream names what can be read',
    backfill('sales-a', { downstream: true }),
    asker({ role: 'operator', jobs: 'sales-*' }, { role: 'viewer' }),
    /^FORBIDDEN: .*'hr-b'/,
  ],
  [
    'a parameter that changes what runs needs the permission to edit',
    backfill('sales-a', { params: { REGION: 'us' } }),
    sales('operator'),
    /^FORBIDDEN: The parameter REGION/,
  ],
  ['an editor may give it', backfill('sales-a', { params: { REGION: 'us' } }), sales('editor'), /^done$/],
])('%s', (_, command, who, becomes) => {
  expect(outcome(fleet(), command, who)).toMatch(becomes);
});

test.each(['pause-backfill', 'resume-backfill', 'cancel-backfill'] as const)(
  '%s needs operate on every job of it, and says nothing of one with a job that cannot be read',
  (kind) => {
    const rig = fleet();
    rig.submit(backfill('sales-a', { downstream: true }));
    rig.submit(backfill('sales-c', { id: 'other' }));
    const change = (id: string): Command => ({ kind, id, by: 'ann' });
    expect(outcome(rig, change('fill'), sales('operator'))).toMatch(/^BACKFILL_NOT_FOUND/);
    expect(outcome(rig, change('other'), sales('viewer'))).toMatch(/^FORBIDDEN/);
    expect(outcome(rig, change('other'), sales('operator'))).toBe('done');
  },
);

test('the id of a backfill of others gives nothing away', () => {
  const rig = fleet();
  rig.submit(backfill('hr-b'));
  expect(outcome(rig, backfill('sales-a'), sales('operator'))).toMatch(/^FORBIDDEN/);
});

test('somebody sees the backfills of which he can read every job, unfinished and ended', async () => {
  const rig = fleet();
  rig.submit(backfill('sales-a', { downstream: true }));
  rig.submit(backfill('sales-c', { id: 'other' }));
  const reader = () => readerOf(rig.state);
  const seenBy = async ({ principal }: Asker): Promise<string[]> => {
    const sight = new Sight(principal, reader);
    const redaction = new Redaction(sight, reader);
    const ended = [...rig.backfills.values()].map((each) => ({ ...each, id: `ended ${each.id}` }));
    const inner = { past: async () => ended } as unknown as Archive;
    const past = await archiveFor(inner, sight, redaction).past('backfill-ended', { owner: SYSTEM_OWNER });
    return [...readerFor(reader(), sight, redaction).backfills(), ...past].map(({ id }) => id);
  };
  expect(await seenBy(asker({ role: 'viewer' }))).toEqual(['fill', 'other', 'ended fill', 'ended other']);
  expect(await seenBy(sales('viewer'))).toEqual(['other', 'ended other']);
});
