import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHosts } from '../../../../src/store/zookeeper/wire/address.ts';
import { Frames } from '../../../../src/store/zookeeper/wire/frames.ts';

describe('the hosts of an ensemble', () => {
  test.each([
    ['zk', [{ host: 'zk', port: 2181 }], ''],
    ['zk:2182/', [{ host: 'zk', port: 2182 }], ''],
    [
      'a:1, b:2 ,c/x/y',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'c', port: 2181 },
      ],
      '/x/y',
    ],
    [
      '[::1]:2183,10.0.0.1/x',
      [
        { host: '::1', port: 2183 },
        { host: '10.0.0.1', port: 2181 },
      ],
      '/x',
    ],
  ])('%s', (text, servers, chroot) => {
    expect(parseHosts(text)).toEqual({ servers, chroot });
  });

  test.each(['', 'a,,b', '::1', 'a:0', 'a:65536', 'a:b', 'a b', 'a/x/', 'a//x', 'a/x/../y', 'a:1:2'])(
    "'%s' names no servers",
    (text) => {
      expect(() => parseHosts(text)).toThrow(expect.objectContaining({ code: 'INVALID_FIELD' }));
    },
  );
});

describe('frames', () => {
  test('come out as they went in, however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
    fc.assert(
      fc.property(bodies, fc.infiniteStream(fc.integer({ min: 1, max: 200 })), (wanted, cuts) => {
        const stream = Buffer.concat(
          wanted.flatMap((body) => {
            const length = Buffer.alloc(4);
            length.writeInt32BE(body.length);
            return [length, body];
          }),
        );
        const frames = new Frames();
        const got: Buffer[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + (cuts.next().value as number);
          got.push(...frames.take(stream.subarray(at, end)));
          at = end;
        }
        expect(got.map((frame) => [...frame.subarray(4)])).toEqual(wanted.map((body) => [...body]));
      }),
    );
  });

  test.each([-1, 2 ** 31 - 1])('a length of %i is refused', (length) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    expect(() => new Frames().take(bytes)).toThrow(RangeError);
  });
});
