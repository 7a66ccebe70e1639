/** The run policy in the core: what is refused when a job is put, and before each launch. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CarillonError, problemsIn } from '../../../src/errors.ts';
import { parseRunPolicy } from '../../../src/node/run-policy.ts';
import type { Asker, Role } from '../../../src/scheduler/access/principal.ts';
import { checkCommand } from '../../../src/scheduler/decide.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { comingLaunch } from '../../../src/scheduler/rules/coming.ts';
import type { RunPolicy } from '../../../src/scheduler/run-policy/policy.ts';
import { abilities } from '../../support/engines.ts';
import { Rig } from '../../support/rig.ts';

const engine = (name: keyof typeof abilities) => ({
  [name]: { concurrency: name === 'process' ? 1 : null, abilities: abilities[name], tombstoneMs: 600_000 },
});

class Installation {
  policy: RunPolicy | null = null;
  readonly rig: Rig;

  constructor(policy: string | null = null) {
    if (policy !== null) this.rule(policy);
    const settings: Settings = { engines: { ...engine('process'), ...engine('docker') }, pools: {} };
    Object.defineProperty(settings, 'runPolicy', { get: () => this.policy, enumerable: true });
    this.rig = new Rig('2026-11-30T00:00:00Z', settings);
  }

  rule(text: string): void {
    this.policy = parseRunPolicy(text, 'policy.yaml');
  }

  put(job: object, role?: Role): string {
    const definition = { name: 'a', ...job };
    const command = { kind: 'put-job', definition, mode: 'replace', by: 'test', source: 'test' } as const;
    const { decision, answer } = checkCommand(this.rig.state, this.rig.now, command, role && askerOf(role))();
    this.rig.keep(decision);
    return answer.outcome;
  }

  /** The fields that are refused. */
  refused(job: object, role?: Role): string[] {
    try {
      this.put(job, role);
      return [];
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      const problems = problemsIn(error);
      expect(problems.map(({ code }) => code)).toEqual(problems.map(() => 'POLICY_REFUSED'));
      return problems.map(({ details }) => details.field ?? '');
    }
  }

  trigger(name = 'a') {
    const triggerId = `t${String(++this.rig.triggers).padStart(5, '0')}`;
    return this.rig.submit({ kind: 'trigger', name, triggerId, params: {}, by: 'test' });
  }

  launched(): string[] {
    return this.rig.effects.flatMap((effect) => (effect.kind === 'launch' ? effect.spec.run : []));
  }
}

const askerOf = (role: Role): Asker => ({
  principal: { kind: 'token', name: 'me', id: 'me', bindings: [{ role }] },
  from: null,
  via: null,
});

const open = 'rules: [{ allow: all }]';
const own = "rules: [{ name: base, allow: { engines: [process], users: ['(own)', etl] } }]";
const plain = { run: { command: 'true' } };
const asRoot = { run: { command: 'true', user: 'root' } };

describe('without a policy', () => {
  test('jobs may ask for everything', () => {
    const one = new Installation();
    expect(
      one.refused({ run: { image: 'alpine', network: 'host', volumes: ['/:/host'], user: '0' } }),
    ).toEqual([]);
    expect(one.trigger().state).toBe('launching');
  });
});

describe('a job that is put', () => {
  test('is refused with all fields that no rule allows', () => {
    const one = new Installation(own);
    expect(
      one.refused({
        run: {
          ...{
            image: 'alpine',
            command: 'true',
            volumes: ['/etc:/etc', 'x:/x'],
            network: 'bridge',
            ports: ['80:80'],
          },
          ...{
            capabilities: { add: ['SYS_ADMIN'] },
            ulimits: { nofile: { soft: 1 } },
            registry: { secret: { file: '/k' } },
          },
          secrets: { A: { file: '/etc/shadow' } },
        },
      }),
    ).toEqual([
      ...[
        'run.engine',
        'run.user',
        'run.image',
        'run.volumes[0]',
        'run.volumes[1]',
        'run.network',
        'run.ports[0]',
      ],
      ...['run.capabilities.add[0]', 'run.ulimits.nofile', 'run.secrets.A.file', 'run.registry.secret.file'],
    ]);
  });

  test('is told what is allowed, and by which rule', () => {
    const one = new Installation(own);
    expect(() => one.put(asRoot)).toThrow(
      'run.user is "root", which the run policy does not allow for this job. Allowed: (own), etl (rule base).',
    );
  });

  test('needs a rule that is for it', () => {
    const one = new Installation(
      "rules: [{ for: { jobs: 'sales-*', labels: { team: sales } }, allow: all }]",
    );
    expect(() => one.put(plain)).toThrow('No rule of the run policy is for the job a.');
    expect(one.refused({ ...plain, name: 'sales-a' })).toEqual(['run']);
    expect(one.refused({ ...plain, name: 'sales-a', labels: { team: 'sales' } })).toEqual([]);
  });

  test('may ask for what any of its rules allows', () => {
    const one = new Installation(
      "rules: [{ allow: { engines: ['*'] } }, { for: { labels: { team: sales } }, allow: { users: [etl] } }, { allow: { users: [web] } }]",
    );
    const as = (user: string, labels = {}) => one.refused({ labels, run: { command: 'true', user } });
    expect([as('web'), as('etl'), as('etl', { team: 'sales' })]).toEqual([[], ['run.user'], []]);
  });

  test('asks for the user of its image, and has to be allowed it', () => {
    const one = new Installation("rules: [{ allow: { engines: ['*'], images: ['*'], users: ['*'] } }]");
    const as = (user?: string) =>
      one.refused({ run: { image: 'alpine', command: 'true', ...(user && { user }) } });
    expect([as(), as('0:0'), as('1000')]).toEqual([['run.user'], ['run.user'], []]);
  });

  test('without run asks for nothing', () => {
    expect(new Installation('rules: []').refused({ schedule: { cron: '0 0 * * *' } })).toEqual([]);
  });

  test.each([
    ['{ memory: 1GiB }', { memory: '1GiB' }, []],
    ['{ memory: 1GiB }', { memory: '2GiB' }, ['run.resources.memory']],
    ['{ memory: 1GiB }', {}, ['run.resources.memory']],
    ['{ cpus: 1.5, pids: 10 }', { cpus: 2 }, ['run.resources.cpus', 'run.resources.pids']],
    ['{ gpus: 0 }', {}, []],
    ['{ gpus: 0 }', { gpus: 1 }, ['run.resources.gpus']],
    ['{ shm: 1MiB }', {}, ['run.resources.shm']],
    ['{ ioWeight: 99 }', {}, ['run.resources.ioWeight']],
    ['none', { cpus: 4_000 }, []],
  ])('with limits %s and resources %j is refused for %j', (limits, resources, fields) => {
    const one = new Installation(`rules: [{ allow: all, limits: ${limits} }]`);
    expect(one.refused({ run: { image: 'alpine', command: 'true', resources } })).toEqual(fields);
  });

  test('has the largest of the limits of its rules', () => {
    const one = new Installation(
      'rules: [{ allow: all, limits: { cpus: 1 } }, { limits: { cpus: 4 } }, { allow: all }]',
    );
    const with_ = (cpus: number) => one.refused({ run: { image: 'alpine', resources: { cpus } } });
    expect([with_(4), with_(5)]).toEqual([[], ['run.resources.cpus']]);
    one.rule('rules: [{ allow: all, limits: { cpus: 1 } }, { limits: none }]');
    expect(with_(5)).toEqual([]);
  });

  test.each<[string, object, string[]]>([
    ['[zone==a]', { on: 'zone==a' }, []],
    ['[zone==a]', { on: 'zone==a,disk!=hdd' }, []],
    ['[zone==a]', { on: 'zone==b' }, ['run.on']],
    ['[zone==a]', { on: 'zone!=a' }, ['run.on']],
    ['[zone==a]', { on: 'any' }, ['run.on']],
    ['[zone==a]', {}, ['run.on']],
    ['[leader]', {}, []],
    ["['host==db-*']", { host: 'db-1' }, []],
    ["['host==db-*']", { host: 'web-1' }, ['run.host']],
    ['[any]', { on: 'zone!=a' }, []],
  ])('with nodes %s and %j is refused for %j', (nodes, where, fields) => {
    const one = new Installation(`rules: [{ allow: all, limits: { nodes: ${nodes} } }]`);
    expect(one.refused({ run: { command: 'true', ...where } })).toEqual(fields);
  });

  test('is refused in an apply by itself, in a dry run too', () => {
    const one = new Installation(own);
    const definitions = [asRoot, plain].map((job, i) => ({
      definition: { name: `j${i}`, ...job },
      source: 'f',
    }));
    for (const dryRun of [true, false]) {
      const results = one.rig.submit({ kind: 'apply', definitions, prune: null, dryRun, by: 'test' });
      expect(results.map(({ outcome, error }) => error?.code ?? outcome)).toEqual([
        'POLICY_REFUSED',
        'created',
      ]);
    }
  });
});

describe('the role of who puts a job', () => {
  const byRole = `rules: [{ allow: { engines: [process], users: ['(own)'] } }, { for: { role: admin }, allow: all }]`;

  test('allows what the rules of the role and of lesser ones allow', () => {
    const one = new Installation(byRole);
    expect([one.refused(asRoot), one.refused(asRoot, 'editor'), one.refused(asRoot, 'admin')]).toEqual([
      ['run.user'],
      ['run.user'],
      [],
    ]);
    expect(one.trigger().state).toBe('launching');
  });

  test('is kept with the job, also by a restart, and goes with its next change', () => {
    const one = new Installation(byRole);
    one.put(asRoot, 'admin');
    one.rig.restart();
    expect(one.trigger().state).toBe('launching');
    expect(one.put({ ...plain, description: 'x' }, 'editor')).toBe('changed');
    expect(one.refused({ ...asRoot, description: 'x' }, 'editor')).toEqual(['run.user']);
  });

  test('does not matter to a job that stays as it is', () => {
    const one = new Installation(byRole);
    one.put(asRoot, 'admin');
    expect(one.put(asRoot, 'editor')).toBe('unchanged');
    expect(one.trigger().state).toBe('launching');
  });

  test('of one who may more allows a job that was put before', () => {
    const one = new Installation();
    one.put(asRoot, 'editor');
    one.rule(byRole);
    expect(one.refused(asRoot, 'editor')).toEqual(['run.user']);
    expect(one.put(asRoot, 'admin')).toBe('changed');
    expect(one.trigger().state).toBe('launching');
  });
});

describe('a launch', () => {
  const failed = {
    state: 'failed',
    reason: { code: 'policy-refused', field: 'run.user', rules: ['base'] },
    attempts: [],
  };

  test('that the policy of now refuses ends its run as failed, with an alert and nothing launched', () => {
    const one = new Installation();
    one.put(asRoot);
    one.rule(own);
    expect(one.trigger()).toMatchObject(failed);
    expect(one.launched()).toEqual([]);
    expect([...one.rig.alerts.values()].map(({ condition }) => condition)).toEqual(['failed']);
    expect(one.rig.states.get('a')).toMatchObject({ failed: 1, consecutiveFailures: 1 });
  });

  test('of a job that was stored before there was a policy is refused after a restart', () => {
    const one = new Installation();
    one.put({ ...asRoot, schedule: { cron: '0 * * * *' } });
    one.rule(own);
    one.rig.restart();
    one.rig.now += 3_600_000;
    one.rig.event({ kind: 'tick', now: one.rig.now });
    expect(one.rig.history).toMatchObject([failed]);
    expect(one.launched()).toEqual([]);
  });

  test('that waited for a slot is refused when it gets one, and the next one gets it', () => {
    const one = new Installation();
    one.put({ ...plain, name: 'first' });
    one.put({ ...asRoot, name: 'second' });
    one.put({ ...asRoot, name: 'third' });
    one.put({ ...plain, name: 'child', schedule: { after: { parents: ['third'], when: 'any-failed' } } });
    const run = one.trigger('first');
    expect([one.trigger('second').state, one.trigger('third').state]).toEqual(['queued', 'queued']);
    one.rule(own);
    one.rig.submit({ kind: 'kill', runId: run.id, by: 'test' });
    one.rig.event({
      kind: 'observed',
      now: one.rig.now,
      observation: { kind: 'ended', launchName: run.attempts[0]!.launchName, at: one.rig.now, exitCode: 137 },
    });
    expect(one.rig.history.map(({ job, state }) => `${job} ${state}`)).toEqual([
      ...['first killed', 'second failed', 'third failed'],
    ]);
    expect([...one.rig.live.values()].map(({ job, state }) => `${job} ${state}`)).toEqual([
      'child launching',
    ]);
  });

  test('that is refused is not prepared either', () => {
    const one = new Installation();
    one.put({ ...asRoot, schedule: { cron: '0 * * * *' }, policy: { warmStart: '1m' } });
    const coming = () =>
      comingLaunch(one.rig.state, one.rig.state.entry('a'), one.rig.now)?.spec.user ?? null;
    expect(coming()).toBe('root');
    one.rule(own);
    expect(coming()).toBeNull();
  });

  test('that a later policy allows again is made', () => {
    const one = new Installation();
    one.put(asRoot);
    one.rule(own);
    one.trigger();
    one.rule(open);
    expect(one.trigger().state).toBe('launching');
  });
});

const texts = fc.constantFrom('a', 'root', '0', 'etl', '1000', '*', '(own)', 'etl:root');
const someRun = fc.record(
  {
    command: fc.constant('true'),
    user: fc.constantFrom('root', 'etl', '1000', '00', 'etl:0'),
    image: fc.constantFrom('alpine', 'r.example.com/sales/a', 'deadbeef'),
    volumes: fc.constantFrom(['/data/a:/x'], ['/data/../etc:/x'], ['a:/x']),
    network: fc.constantFrom('none', 'host', 'etl', 'container:a'),
    resources: fc.constantFrom({}, { cpus: 1 }, { cpus: 9 }),
  },
  { requiredKeys: ['command'] },
);
const somePolicy = fc.array(
  fc.record(
    {
      for: fc.record(
        { role: fc.constantFrom('editor', 'admin'), jobs: fc.constantFrom('a', 'b') },
        { requiredKeys: [] },
      ),
      allow: fc.oneof(
        fc.constant('all'),
        fc.record(
          {
            engines: fc.constant(['*']),
            users: fc.array(texts),
            images: fc.constantFrom(['*'], ['**'], ['r.example.com/**']),
            volumes: fc.constantFrom(['/data/**'], ['/**'], ['named:*']),
            networks: fc.constantFrom(['*'], ['host']),
          },
          { requiredKeys: [] },
        ),
      ),
      limits: fc.constantFrom('none', {}, { cpus: 4 }),
    },
    { requiredKeys: [] },
  ),
  { maxLength: 4 },
);

test('what a policy refuses when a job is put, it refuses when it is launched, and the other way round', () => {
  let [refusals, launches] = [0, 0];
  fc.assert(
    fc.property(somePolicy, someRun, fc.constantFrom<Role>('editor', 'admin'), (rules, run, role) => {
      const { image, volumes: _v, network: _n, ...process } = run;
      const job = { run: image === undefined ? { ...process, resources: {} } : run };
      const policy = JSON.stringify({ rules });
      const before = new Installation();
      before.put(job, role);
      before.rule(policy);
      const isLaunched = before.trigger().state === 'launching';
      expect(new Installation(policy).refused(job, role).length === 0).toBe(isLaunched);
      if (isLaunched) launches++;
      else refusals++;
    }),
  );
  expect(Math.min(refusals, launches)).toBeGreaterThan(5);
});
