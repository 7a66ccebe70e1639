/** A launch on several hosts, with hosts that do what the test wants. */

import { beforeEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { AllHosts } from '../../../src/executor/ssh/all-hosts.ts';
import type { SshHost } from '../../../src/executor/ssh/host.ts';
import type { LaunchReport, Observation, Ticket } from '../../../src/scheduler/ports.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { launchSpec } from '../launch-spec.ts';

const ticket: Ticket = { boot: 0, at: 0, seq: 0 };
const name = 'a-launch';
const spec = launchSpec(
  'true',
  { engine: 'ssh', image: null },
  { launchName: name, everywhere: { on: 'all' } },
);

/** A host as far as `AllHosts` uses it. */
class FakeHost {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  silentMs = 0;
  away: string | null = null;
  refusal: CarillonError | null = null;
  claims: readonly string[] | null = null;
  reports: LaunchReport[] = [];
  printed: string[] = [];
  readonly did: string[] = [];
  constructor(host: string) {
    this.name = host;
    this.labels = { host };
  }
  hostsOf = () => this.claims;
  describe = async () => ({ reachable: this.away === null, version: null, detail: this.away });
  inventory = async () => {
    if (this.away !== null) throw new CarillonError('ENGINE_UNAVAILABLE', this.away);
    return this.reports;
  };
  launchFor = async () => {
    if (this.refusal !== null) throw this.refusal;
    this.did.push('launch');
  };
  kill = async () => void this.did.push('kill');
  remove = async () => void this.did.push('remove');
  takeBack = async () => void this.did.push('take back');
  async *logs() {
    for (const text of this.printed) yield { stream: 'stdout', bytes: Buffer.from(text) };
  }
}

let one: FakeHost;
let two: FakeHost;
let all: AllHosts;
let clock: SimClock;
function begin(): void {
  all = new AllHosts({
    clock,
    listed: () => [one, two] as unknown as SshHost[],
    host: (host) => [one, two].find(({ labels }) => labels.host === host) as unknown as SshHost,
  });
}
beforeEach(() => {
  clock = new SimClock(1_000_000);
  one = new FakeHost('one');
  two = new FakeHost('two');
  begin();
});
const started: Observation = { kind: 'started', launchName: name, at: 1_000_000 };
const ended = (exitCode: number): Observation => ({
  kind: 'ended',
  launchName: name,
  at: 1_000_001,
  exitCode,
});
/** What the leader hears. */
async function told(): Promise<readonly Observation[]> {
  const { ticket: now } = await all.changes(1, null);
  const changes = all.changes(1, { ...now, seq: 0 });
  // If there are none, they are waited for.
  await clock.advance(1_000);
  return (await changes).observations ?? [];
}
const running = (): LaunchReport => ({ launchName: name, state: 'running', startedAt: 1_000_000 });

describe('a launch on all hosts', () => {
  test('ends with the last of them', async () => {
    await all.launchFor(spec, ticket);
    for (const host of ['one', 'two']) all.observed(host, started);
    all.observed('one', ended(0));
    expect(await told()).toMatchObject([{ kind: 'started' }]);
    all.observed('two', ended(0));
    expect(await told()).toMatchObject([{ kind: 'started' }, { kind: 'ended', exitCode: 0 }]);
  });

  test('that one of them does not answer, and that is then killed, has ended', async () => {
    two.refusal = new CarillonError('ENGINE_UNAVAILABLE', 'its connection broke');
    await expect(all.launchFor(spec, ticket)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    all.observed('one', started);
    await all.kill(name, 0);
    all.observed('one', ended(143));
    expect(await told()).toMatchObject([
      { kind: 'started' },
      { kind: 'ended', exitCode: 143, reason: expect.stringContaining('two: Killed before it was started') },
    ]);
  });

  test('whose file is gone from one of them is lost there', async () => {
    await all.launchFor(spec, ticket);
    for (const host of ['one', 'two']) all.observed(host, started);
    one.reports = [running()];
    await all.inventory();
    all.observed('one', ended(0));
    expect((await told()).at(-1)).toMatchObject({
      reason: 'Failed on 1 of 2 hosts: two: Lost: its file is gone',
    });
  });

  test('is known to the next leader by all hosts that any of them names', async () => {
    one.claims = ['one'];
    two.claims = ['one', 'two'];
    one.reports = [{ ...running(), state: 'ended', endedAt: 1_000_001, exitCode: 0 }];
    two.reports = [running()];
    expect(await all.inventory()).toMatchObject([{ launchName: name, state: 'running' }]);
    all.observed('two', ended(3));
    expect((await told()).at(-1)).toMatchObject({ kind: 'ended', exitCode: 3 });
  });

  test('is not begun by what a single host tells of it', async () => {
    one.claims = ['one'];
    all.observed('one', ended(0));
    expect(await told()).toEqual([]);
  });

  test('does not start on a host that its job does not allow, whatever another one claims', async () => {
    two = Object.assign(new FakeHost('two'), { labels: { host: 'two', role: 'db' } });
    one.claims = ['one', 'two'];
    one.reports = [running()];
    await all.inventory();
    await all.launchFor({ ...spec, everywhere: { on: 'all,role!=db' } }, ticket);
    expect(two.did).toEqual([]);
    expect(one.did).toEqual(['launch']);
  });

  test('has the output of each below its name, on a line of its own', async () => {
    await all.launchFor(spec, ticket);
    one.printed = ['no line', ' break'];
    two.printed = ['x\n'];
    const pieces: string[] = [];
    for await (const { bytes } of all.logs(name, {})) pieces.push(Buffer.from(bytes).toString());
    expect(pieces.join('')).toBe('==> one <==\nno line break\n==> two <==\nx\n');
  });
});
