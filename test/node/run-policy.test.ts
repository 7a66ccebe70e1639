/** The file of the run policy: what is accepted, what is said about the rest, and what a change of it does. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CarillonError, problemsIn } from '../../src/errors.ts';
import { parseRunPolicy, RunPolicyFile } from '../../src/node/run-policy.ts';
import { policyFindings } from '../../src/scheduler/run-policy/check.ts';
import { abilities } from '../support/engines.ts';
import { SimClock } from '../support/sim-clock.ts';
import { until } from '../support/until.ts';

function problemsOf(text: string): string[] {
  try {
    parseRunPolicy(text, 'policy.yaml');
  } catch (error) {
    return problemsIn(error as CarillonError).map(({ message }) => message);
  }
  return [];
}

describe('a file', () => {
  test('has its mistakes told together, each with its place and what is allowed', () => {
    const text = [
      'rules:',
      '  - for: { job: a, role: editr }',
      '  - allow: { users: [root, "a b"], volume: [/data], ports: [http] }',
      '  - allow: everything',
      '  - limits: { memory: much, cpus: 0, nodes: leader }',
      '',
    ].join('\n');
    expect(problemsOf(text)).toEqual([
      expect.stringContaining(
        'policy.yaml:2:12: Unknown field rules[0].for.job. Did you mean rules[0].for.jobs?',
      ),
      expect.stringContaining('policy.yaml:2:20: rules[0].for.role is "editr". Allowed: one of viewer,'),
      expect.stringContaining(
        'policy.yaml:3:36: Unknown field rules[1].allow.volume. Did you mean rules[1].allow.volumes?',
      ),
      expect.stringContaining(
        'policy.yaml:4:5: rules[2].allow is "everything", but must be a mapping of fields.',
      ),
      expect.stringContaining('policy.yaml:5:15: rules[3].limits.memory is "much". Allowed: bytes'),
      expect.stringContaining('policy.yaml:5:29: rules[3].limits.cpus is 0. Allowed:'),
      expect.stringContaining('policy.yaml:5:38: rules[3].limits.nodes is "leader", but must be a list.'),
    ]);
    expect(problemsOf('rules: [{ allow: { users: ["a b"], ports: [http] } }]')).toEqual([
      expect.stringMatching(
        /^policy\.yaml:1:28: rules\[0\]\.allow\.users\[0\] is "a b"\. Allowed: a name or number/,
      ),
      expect.stringMatching(/^policy\.yaml:1:44: rules\[0\]\.allow\.ports\[0\] is "http"\. Allowed: a port/),
    ]);
  });

  test.each([
    ['', 'Allowed: one mapping with rules.'],
    ['[]', 'Allowed: one mapping with rules.'],
    ['{}', 'rules is missing.'],
    ['rule: []', 'Unknown field rule. Did you mean rules?'],
    ['rules: [x]', 'rules[0] is "x", but must be a mapping of fields.'],
    [`rules: [${'{},'.repeat(501)}]`, 'rules is a list of 501. Allowed: at most 500 entries.'],
  ])('%j is refused', (text, words) => {
    expect(problemsOf(text).join()).toContain(words);
  });

  test('without rules allows nothing', () => {
    const policy = parseRunPolicy('rules: []', 'policy.yaml');
    const engine = { name: 'process', abilities: abilities.process };
    expect(
      policyFindings(policy, { definition: { name: 'a', run: { command: 'true' } }, role: 'admin', engine }),
    ).toHaveLength(1);
  });

  test('of the examples is a policy, and does what its comments say', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../examples/run-policy.yaml'), 'utf8');
    const policy = parseRunPolicy(text, 'run-policy.yaml');
    const resources = { cpus: 1, memory: '1GiB', pids: 10 };
    const refused = (run: object, more: object = {}, role: 'editor' | 'admin' = 'editor'): unknown[] =>
      policyFindings(policy, {
        definition: {
          name: 'sales-a',
          run: { image: 'registry.example.com/a', user: '1000', resources, ...run },
          ...more,
        },
        role,
        engine: { name: 'docker', abilities: abilities.docker },
      }).map(({ details }) => details.field);
    const sales = { labels: { team: 'sales' } };
    expect(refused({ user: '65534' })).toEqual([]);
    expect(refused({})).toEqual(['run.user']);
    expect(refused({ volumes: ['/data/sales/a:/a', '/etc/ssl/certs:/c:ro'] }, sales)).toEqual([]);
    expect(refused({ volumes: ['/etc/ssl/certs:/c', '/:/h'] }, sales)).toEqual([
      'run.volumes[0]',
      'run.volumes[1]',
    ]);
    expect(refused({ resources: { ...resources, memory: '4GiB' } }, sales)).toEqual([]);
    expect(refused({ user: '0', volumes: ['/:/h'], network: 'host', resources: {} }, {}, 'admin')).toEqual(
      [],
    );
  });
});

describe('a file that changes', () => {
  let dir: string;
  let file: RunPolicyFile;
  let warnings: string[];
  const clock = new SimClock(0);
  const path = (): string => join(dir, 'policy.yaml');
  const names = (): string => file.policy.rules.map(({ name }) => name).join();

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'carillon-policy-'));
    warnings = [];
    writeFileSync(path(), 'rules: [{ name: a }]');
    const warn = ({ error }: { error?: string }, event: string) => void warnings.push(`${event} ${error}`);
    file = new RunPolicyFile(path(), { clock, log: { debug() {}, info() {}, error() {}, warn } });
    await file.open();
    file.start();
  });
  afterEach(async () => {
    await file.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const looks = (what: string, isSo: () => boolean): Promise<unknown> =>
    until(what, async () => {
      await clock.advance(2_000);
      return isSo();
    });

  test('counts within seconds', async () => {
    expect(names()).toBe('a');
    writeFileSync(path(), 'rules: [{ name: b }, {}]');
    await looks('it is read', () => names() === 'b,rules[1]');
  });

  test('with a mistake, or gone, changes nothing and is told once', async () => {
    writeFileSync(path(), 'rules: [{ name: b }, { alow: all }]');
    await looks('it is told', () => warnings.length > 0);
    await clock.advance(20_000);
    expect(warnings).toEqual([
      `run-policy.file-not-read ${path()}:1:24: Unknown field rules[1].alow. Did you mean rules[1].allow?`,
    ]);
    expect(names()).toBe('a');
    rmSync(path());
    await looks('it is told', () => warnings.length > 1);
    expect(names()).toBe('a');
  });

  test('cannot be opened with a mistake', async () => {
    writeFileSync(path(), 'rules: 1');
    const other = new RunPolicyFile(path(), { clock, log: { debug() {}, info() {}, error() {}, warn() {} } });
    await expect(other.open()).rejects.toThrow('rules is 1, but must be a list.');
    expect(other.policy.rules).toEqual([]);
  });
});
