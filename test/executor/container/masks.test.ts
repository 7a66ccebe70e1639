import { describe, expect, test } from 'vitest';
import { LaunchMasks, maskedOutput, secretsLabel } from '../../../src/executor/container/masks.ts';
import { masksOf } from '../../../src/executor/secrets/mask.ts';
import { secretUnavailable } from '../../../src/executor/secrets/refusal.ts';
import type { Secrets } from '../../../src/executor/secrets/secrets.ts';
import { plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { LogChunk } from '../../../src/scheduler/ports.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { dockerSpec } from '../docker/harness.ts';

const logged: string[] = [];
const write = (fields: object, event: string) => void logged.push(`${event} ${JSON.stringify(fields)}`);
const log = { debug: write, info: write, warn: write, error: write };

async function shown(pieces: readonly [LogChunk['stream'], string][], masks: readonly Buffer[]) {
  const chunks = pieces.map(([stream, text], index) => ({
    stream,
    bytes: Buffer.from(text),
    printed: { timeNs: BigInt(index + 1), inLine: false },
  }));
  const found: [string, string, bigint | undefined][] = [];
  for await (const { stream, bytes, printed } of maskedOutput(
    (async function* () {
      yield* chunks;
    })(),
    masks,
  ))
    found.push([stream, Buffer.from(bytes).toString(), printed?.timeNs]);
  return found;
}

test('masks each stream by itself, with the time at which it was printed', async () => {
  const pieces: [LogChunk['stream'], string][] = [
    ['stdout', 'a hush'],
    ['stderr', '-hush-hus'],
    ['stdout', '-hush b\n'],
    ['stderr', 'h'],
    ['stdout', 'hu'],
  ];
  expect(await shown(pieces, masksOf(['hush-hush']))).toEqual([
    ['stdout', 'a ', 1n],
    ['stderr', '-', 2n],
    ['stdout', '*** b\n', 1n],
    ['stderr', '***', 2n],
    ['stdout', 'hu', 5n],
  ]);
});

describe('the masks of a launch', () => {
  const file = { name: 'CERT', mount: '/run/cert', file: '/etc/cert' };
  const spec = dockerSpec('true', {
    secrets: { TOKEN: { env: 'T' } },
    container: { ...plainContainer, secretFiles: [file] },
  });
  const launch = {
    name: 'a-1',
    labels: secretsLabel(spec),
    env: ['HOME=/some/where', 'TOKEN=hush=hush', 'TOKEN_2=public'],
  };
  const reading = (read: Secrets['read']): LaunchMasks => new LaunchMasks({ ...secretsFrom(), read }, log);
  const masks = async (of: LaunchMasks) => (await of.of(launch)).map(String);

  test('are of the variables that the engine has, and of the files that it was created with', async () => {
    const known = reading(() => Promise.reject(new Error('not asked')));
    known.note('a-1', ['the-file-itself']);
    expect(await masks(known)).toEqual(expect.arrayContaining(['hush=hush', 'the-file-itself']));
    for (const other of ['/some/where', 'public']) expect(await masks(known)).not.toContain(other);
  });

  test('are of what its files have now if another process created it', async () => {
    const later = reading(async (_, ref) => Buffer.from(JSON.stringify(ref)));
    expect(await masks(later)).toContain('{"file":"/etc/cert"}');
  });

  test('leave out a file that is gone, and wait for one that cannot be read now', async () => {
    expect(await masks(new LaunchMasks(secretsFrom(), log))).toContain('hush=hush');
    expect(logged).toEqual(['launch.secret-not-masked {"launch":"a-1","field":"run.secrets.CERT"}']);
    const away = reading(async (field) => {
      throw secretUnavailable(field, 'no answer');
    });
    await expect(away.of(launch)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  test('are none for a launch without secrets, whatever the labels of its job say', async () => {
    const forged = { ...spec.labels, ...secretsLabel(spec) };
    const plain = dockerSpec('true', { labels: forged });
    const labels = { ...plain.labels, ...secretsLabel(plain) };
    expect(await new LaunchMasks(secretsFrom(), log).of({ ...launch, labels })).toEqual([]);
  });
});
