/** Images that come from a registry: logins, policies and digests, with a real engine and real registries. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createCredentials } from '../../../src/executor/container/credentials.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { dockerdMissing } from '../../support/dockerd.ts';
import { Registry, registryLogin, registryMissing } from '../../support/registry.ts';
import { until } from '../../support/until.ts';
import { type DockerHarness, dockerHarness } from '../docker/harness.ts';

const missing = dockerdMissing() ?? registryMissing();

describe.skipIf(missing !== null)(
  `images of a registry${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-login-'));
    let harness: DockerHarness;
    let openRegistry: Registry;
    let closedRegistry: Registry;
    const open: Launcher[] = [];
    let sequence = 0;

    beforeAll(async () => {
      [harness, openRegistry, closedRegistry] = await Promise.all([
        dockerHarness(),
        Registry.start({ needsLogin: false }),
        Registry.start({ needsLogin: true }),
      ]);
    });
    afterEach(async () => {
      const { docker } = harness.dockerd;
      await Promise.all(open.splice(0).map((launcher) => launcher.stop()));
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true });
      for (const { RepoTags, RepoDigests } of await docker.listImages()) {
        const names = [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((name) => name.startsWith('127'));
        for (const name of names)
          await docker
            .getImage(name)
            .remove()
            .catch(() => {});
      }
    });
    afterAll(async () => {
      await Promise.all([harness?.close(), openRegistry?.stop(), closedRegistry?.stop()]);
      rmSync(dir, { recursive: true, force: true });
    });

    /** A launcher on a host with this config.json and these helper programs. */
    async function begin(config: object | null, helpers: Readonly<Record<string, string>> = {}) {
      const place = join(dir, String(++sequence));
      mkdirSync(place);
      for (const [name, script] of Object.entries(helpers)) {
        writeFileSync(join(place, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
        chmodSync(join(place, `docker-credential-${name}`), 0o755);
      }
      const configFile = config === null ? null : join(place, 'config.json');
      if (configFile !== null) writeFileSync(configFile, JSON.stringify(config));
      const environment = { PATH: `${place}:/usr/bin:/bin` };
      const credentials = createCredentials({ configFile, environment, clock: realClock });
      const launcher = harness.create({ credentials });
      open.push(launcher);
      const seen: Observation[] = [];
      launcher.onObservation((observation) => seen.push(observation));
      await launcher.start();
      return { launcher, seen };
    }

    const job = (image: string, overrides: Partial<LaunchSpec> = {}) =>
      harness.spec('exit 0', { launchName: `image-${++sequence}`, image, ...overrides });

    const started = (seen: readonly Observation[], spec: LaunchSpec) =>
      until('the start', () =>
        seen.find(
          (one): one is Extract<Observation, { kind: 'started' }> =>
            one.kind === 'started' && one.launchName === spec.launchName,
        ),
      );

    const outcome = (launch: Promise<void>) =>
      launch.then(
        () => 'started',
        (error: Error) => error.message,
      );

    test('are pulled when missing, and run by the digest that is told', async () => {
      const digest = await openRegistry.push(harness.dockerd.docker, 'tool:1');
      const { launcher, seen } = await begin(null);
      const spec = job(`${openRegistry.host}/tool:1`);
      await launcher.launch(spec);
      expect(await started(seen, spec)).toMatchObject({ image: digest });
      expect(digest).toMatch(/@sha256:[0-9a-f]{64}$/);
      expect(seen.find(({ kind }) => kind === 'preparing')).toMatchObject({
        detail: `pulling ${spec.image}`,
      });
      expect((await launcher.inventory())[0]).toMatchObject({ image: digest });
      const pinned = job(digest, { pull: 'always' });
      await launcher.launch(pinned);
      expect(await started(seen, pinned)).toMatchObject({ image: digest });
    });

    test('are pulled anew when a tag has moved, always but not when only missing', async () => {
      const { docker } = harness.dockerd;
      const { launcher, seen } = await begin(null);
      const image = `${openRegistry.host}/moving:1`;
      const first = await openRegistry.push(docker, 'moving:1', 'first');
      const before = job(image);
      await launcher.launch(before);
      // Pushed from another engine as it were: the tag here stays what it was.
      const second = await openRegistry.push(docker, 'moving:2', 'second');
      await retag(openRegistry, 'moving', '2', '1');
      const [missing, always] = [job(image), job(image, { pull: 'always' })];
      await launcher.launch(missing);
      await launcher.launch(always);
      expect(
        [before, missing, always].map(({ launchName }) =>
          seen.find((one) => one.kind === 'started' && one.launchName === launchName),
        ),
      ).toMatchObject([{ image: first }, { image: first }, { image: second }]);
    });

    describe('behind a password', () => {
      const auth = Buffer.from(`${registryLogin.username}:${registryLogin.password}`).toString('base64');
      const answer = `read -r server; echo "$server" > "$0.asked"
      echo '{"ServerURL":"x","Username":"me","Secret":"${registryLogin.password}"}'`;
      const unknown = 'echo credentials not found in native keychain; exit 1';
      const host = () => closedRegistry.host;

      beforeAll(async () => {
        await closedRegistry.push(harness.dockerd.docker, 'secret:1');
      });

      test.each<[string, () => object, Record<string, string>]>([
        ['the config file', () => ({ auths: { [host()]: { auth } } }), {}],
        ['the config file, by address', () => ({ auths: { [`http://${host()}/v2/`]: { auth } } }), {}],
        ['a helper of this registry', () => ({ credHelpers: { [host()]: 'mine' } }), { mine: answer }],
        ['the helper of all', () => ({ credsStore: 'all', auths: { [host()]: {} } }), { all: answer }],
        [
          'the file where the helper knows nothing',
          () => ({ credsStore: 'all', auths: { [host()]: { auth } } }),
          { all: unknown },
        ],
      ])('are pulled with a login from %s', async (_, config, helpers) => {
        const { launcher } = await begin(config(), helpers);
        expect(await outcome(launcher.launch(job(`${host()}/secret:1`)))).toBe('started');
      });

      test('are pulled with the secret of the job before all else', async () => {
        const file = join(dir, 'login');
        writeFileSync(file, `me:${registryLogin.password}\n`);
        const { launcher } = await begin({ credHelpers: { [host()]: 'broken' } }, { broken: 'exit 1' });
        const spec = job(`${host()}/secret:1`, { registrySecret: { file } });
        expect(await outcome(launcher.launch(spec))).toBe('started');
      });

      test.each<[string, () => object | null, Record<string, string>, RegExp]>([
        ['no login', () => null, {}, /cannot be pulled.*no basic auth credentials/],
        ['a login elsewhere', () => ({ auths: { 'r.example.com': { auth } } }), {}, /no basic auth/],
        [
          'a wrong password',
          () => ({ auths: { [host()]: { username: 'me', password: 'wrong-4715' } } }),
          {},
          /cannot be pulled.*unauthorized/,
        ],
        [
          'a helper that is not there',
          () => ({ credsStore: 'nowhere' }),
          {},
          /docker-credential-nowhere failed \(ENOENT\)/,
        ],
        [
          'a helper that fails',
          () => ({ credsStore: 'bad' }),
          { bad: `echo ${registryLogin.password}; exit 3` },
          /docker-credential-bad failed \(3\)/,
        ],
        [
          'a helper that says nonsense',
          () => ({ credsStore: 'bad' }),
          { bad: `echo ${registryLogin.password}` },
          /docker-credential-bad returned no login/,
        ],
        ['a helper that says too much', () => ({ credsStore: 'bad' }), { bad: 'yes' }, /MAXBUFFER/],
        ['a helper by a path', () => ({ credsStore: '../bad' }), {}, /name of its credential helper/],
      ])('are refused with %s, and nothing secret is said', async (_, config, helpers, words) => {
        const { launcher } = await begin(config(), helpers);
        const said = await outcome(launcher.launch(job(`${host()}/secret:1`)));
        expect(said).toMatch(words);
        expect(`${said}${harness.logged.join()}`).not.toMatch(/hush-4714|wrong-4715/);
        expect(await launcher.inventory()).toEqual([]);
      });
    });
  },
);

/** Gives a manifest another tag, as a push from elsewhere would. */
async function retag({ host }: Registry, name: string, from: string, to: string): Promise<void> {
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = await fetch(`http://${host}/v2/${name}/manifests/${from}`, { headers: { accept: type } });
  const put = await fetch(`http://${host}/v2/${name}/manifests/${to}`, {
    method: 'PUT',
    headers: { 'content-type': type },
    body: await manifest.text(),
  });
  expect(put.status).toBe(201);
}
