/**
 * The camera. `x`, `y`: the point of the picture at the upper left corner of the view; `scale`: screen pixels
 * per picture pixel. Pure.
 */

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Closer than this a card fills the screen; at 1 : 500 ten thousand jobs are a dot. */
const nearest = 2.5;
const furthest = 0.002;

/** Pans by screen pixels, so that the point under the pointer stays under it. */
export const panned = ({ x, y, scale }: Camera, dx: number, dy: number): Camera => ({
  x: x - dx / scale,
  y: y - dy / scale,
  scale,
});

/** Zooms by `factor` around a fixed point of the screen. */
export function zoomed(
  camera: Camera,
  factor: number,
  at: { readonly x: number; readonly y: number },
): Camera {
  const scale = Math.min(nearest, Math.max(furthest, camera.scale * factor));
  return {
    x: camera.x + at.x / camera.scale - at.x / scale,
    y: camera.y + at.y / camera.scale - at.y / scale,
    scale,
  };
}

/** Fits the whole picture into the view, without magnifying it. */
export function fitted(picture: Size, view: Size, margin = 32): Camera {
  const across = (view.width - 2 * margin) / Math.max(1, picture.width);
  const down = (view.height - 2 * margin) / Math.max(1, picture.height);
  const scale = Math.min(1, Math.max(furthest, stepBelow(Math.min(across, down))));
  return {
    x: picture.width / 2 - view.width / 2 / scale,
    y: picture.height / 2 - view.height / 2 / scale,
    scale,
  };
}

/**
 * The next lower zoom level at which tiles are painted: copied one to one, they are sharp and cheap. The scale is
 * negative if the margins leave no room.
 */
const stepBelow = (scale: number): number =>
  scale < 0.34 ? 2 ** (Math.floor(Math.log2(Math.max(furthest, scale)) * 2) / 2) : scale;

/** Centres a point, at a zoom of at least `least`. */
export function centred(
  camera: Camera,
  { x, y }: { readonly x: number; readonly y: number },
  view: Size & { readonly least: number },
): Camera {
  const scale = Math.max(camera.scale, view.least);
  return { x: x - view.width / 2 / scale, y: y - view.height / 2 / scale, scale };
}

/** Keeps the centre in place when the view changes its size. */
export const resized = ({ x, y, scale }: Camera, before: Size, after: Size): Camera => ({
  x: x + (before.width - after.width) / 2 / scale,
  y: y + (before.height - after.height) / 2 / scale,
  scale,
});

/** Interpolates between two views such that the zoom looks even. */
export function between(from: Camera, to: Camera, part: number, view: Size): Camera {
  const scale = from.scale * (to.scale / from.scale) ** part;
  const middle = (c: Camera) => ({ x: c.x + view.width / 2 / c.scale, y: c.y + view.height / 2 / c.scale });
  const a = middle(from);
  const b = middle(to);
  const x = a.x + (b.x - a.x) * part;
  const y = a.y + (b.y - a.y) * part;
  return { x: x - view.width / 2 / scale, y: y - view.height / 2 / scale, scale };
}
