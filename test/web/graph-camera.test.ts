/** Where one looks, and what is found there. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  between,
  type Camera,
  centred,
  fitted,
  panned,
  resized,
  zoomed,
} from '../../web/src/graph/draw/camera.ts';
import { Grid } from '../../web/src/graph/draw/grid.ts';

const cameras: fc.Arbitrary<Camera> = fc.record({
  x: fc.integer({ min: -5_000, max: 5_000 }),
  y: fc.integer({ min: -5_000, max: 5_000 }),
  scale: fc.double({ min: 0.01, max: 2, noNaN: true }),
});
const point = fc.record({ x: fc.integer({ min: 0, max: 1_000 }), y: fc.integer({ min: 0, max: 800 }) });
const view = { width: 1_000, height: 800 };

const under = ({ x, y, scale }: Camera, at: { x: number; y: number }) => ({
  x: x + at.x / scale,
  y: y + at.y / scale,
});

describe('the camera', () => {
  it('keeps what is under the pointer there while zooming', () => {
    fc.assert(
      fc.property(cameras, point, fc.double({ min: 0.3, max: 3, noNaN: true }), (camera, at, factor) => {
        const before = under(camera, at);
        const after = under(zoomed(camera, factor, at), at);
        expect(after.x).toBeCloseTo(before.x, 5);
        expect(after.y).toBeCloseTo(before.y, 5);
      }),
    );
  });

  it('keeps what is under the pointer there while dragging', () => {
    fc.assert(
      fc.property(cameras, point, point, (camera, from, to) => {
        const before = under(camera, from);
        const after = under(panned(camera, to.x - from.x, to.y - from.y), to);
        expect(after.x).toBeCloseTo(before.x, 5);
        expect(after.y).toBeCloseTo(before.y, 5);
      }),
    );
  });

  it('zooms no further than anything can be seen', () => {
    const near = zoomed({ x: 0, y: 0, scale: 1 }, 1e9, { x: 0, y: 0 });
    const far = zoomed({ x: 0, y: 0, scale: 1 }, 1e-9, { x: 0, y: 0 });
    expect([near.scale, far.scale]).toEqual([2.5, 0.002]);
  });

  it('shows all of the picture when it fits it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90_000 }),
        fc.integer({ min: 1, max: 90_000 }),
        (width, height) => {
          const camera = fitted({ width, height }, view);
          const end = under(camera, { x: view.width, y: view.height });
          expect(camera.x).toBeLessThanOrEqual(0.001);
          expect(camera.y).toBeLessThanOrEqual(0.001);
          expect(end.x).toBeGreaterThanOrEqual(width - 0.001);
          expect(end.y).toBeGreaterThanOrEqual(height - 0.001);
          expect(camera.scale).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('is somewhere in a view that has no room for the picture', () => {
    const sizes = fc.record({ width: fc.nat(64), height: fc.nat(64) });
    fc.assert(
      fc.property(sizes, (small) => {
        const { x, y, scale } = fitted({ width: 800, height: 300 }, small);
        expect(scale).toBe(0.002);
        expect(x + small.width / 2 / scale).toBeCloseTo(400, 6);
        expect(y + small.height / 2 / scale).toBeCloseTo(150, 6);
      }),
    );
  });

  it('keeps the centre when the view changes its size, also on the way of a glide', () => {
    const sizes = fc.record({
      width: fc.integer({ min: 1, max: 3_000 }),
      height: fc.integer({ min: 1, max: 2_000 }),
    });
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(cameras, cameras, sizes, sizes, part, (from, to, before, after, at) => {
        const middleOf = (camera: Camera, { width, height }: typeof before) =>
          under(camera, { x: width / 2, y: height / 2 });
        const was = middleOf(between(from, to, at, before), before);
        const resize = (camera: Camera) => resized(camera, before, after);
        const is = middleOf(between(resize(from), resize(to), at, after), after);
        expect(is.x).toBeCloseTo(was.x, 4);
        expect(is.y).toBeCloseTo(was.y, 4);
      }),
    );
  });

  it('glides from where it is to where it goes', () => {
    fc.assert(
      fc.property(cameras, cameras, (from, to) => {
        const start = between(from, to, 0, view);
        const end = between(from, to, 1, view);
        for (const [a, b] of [
          [start, from],
          [end, to],
        ] as const) {
          expect(a.x).toBeCloseTo(b.x, 3);
          expect(a.y).toBeCloseTo(b.y, 3);
          expect(a.scale).toBeCloseTo(b.scale, 6);
        }
      }),
    );
  });

  it('comes near enough to read what it centres on', () => {
    const camera = centred({ x: 0, y: 0, scale: 0.05 }, { x: 300, y: 200 }, { ...view, least: 0.8 });
    expect(camera.scale).toBe(0.8);
    expect(under(camera, { x: 500, y: 400 })).toEqual({ x: 300, y: 200 });
  });
});

describe('the grid', () => {
  it('finds every box that touches the bounds, each once', () => {
    const box = fc
      .tuple(
        fc.nat(4_000),
        fc.nat(4_000),
        fc.integer({ min: 1, max: 1_500 }),
        fc.integer({ min: 1, max: 300 }),
      )
      .map(([left, top, width, height]) => ({ left, top, right: left + width, bottom: top + height }));
    fc.assert(
      fc.property(fc.array(box, { maxLength: 40 }), box, (boxes, bounds) => {
        const grid = new Grid(boxes.length, { width: 6_000, height: 5_000 }, (i) => boxes[i]!);
        const found: number[] = [];
        grid.within(bounds, (i) => found.push(i));
        expect(new Set(found).size).toBe(found.length);
        boxes.forEach((each, i) => {
          const touches =
            each.left <= bounds.right &&
            each.right >= bounds.left &&
            each.top <= bounds.bottom &&
            each.bottom >= bounds.top;
          if (touches) expect(found).toContain(i);
        });
      }),
    );
  });
});
