/**
 * Where one looks. `x`, `y`: the point of the picture at the upper left corner of the view; `scale`: pixels of
 * the screen for one of the picture. Pure.
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

/** Nearer than this a card fills the screen; further than 1 : 500 ten thousand jobs are a dot. */
const nearest = 2.5;
const furthest = 0.002;

/** Moved by pixels of the screen: what is under the pointer stays there. */
export const panned = ({ x, y, scale }: Camera, dx: number, dy: number): Camera => ({
  x: x - dx / scale,
  y: y - dy / scale,
  scale,
});

/** Zoomed by `factor`; the point of the screen stays where it is. */
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

/** All of the picture in the view, never magnified. */
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

/** The next zoom below at which pictures from afar are painted: copied one to one, they are sharp and cheap. */
const stepBelow = (scale: number): number =>
  scale < 0.34 ? 2 ** (Math.floor(Math.log2(scale) * 2) / 2) : scale;

/** The point in the middle; never further away than `least`. */
export function centred(
  camera: Camera,
  { x, y }: { readonly x: number; readonly y: number },
  view: Size & { readonly least: number },
): Camera {
  const scale = Math.max(camera.scale, view.least);
  return { x: x - view.width / 2 / scale, y: y - view.height / 2 / scale, scale };
}

/** Between two views; zoom goes evenly to the eye. */
export function between(from: Camera, to: Camera, part: number, view: Size): Camera {
  const scale = from.scale * (to.scale / from.scale) ** part;
  const middle = (c: Camera) => ({ x: c.x + view.width / 2 / c.scale, y: c.y + view.height / 2 / c.scale });
  const a = middle(from);
  const b = middle(to);
  const x = a.x + (b.x - a.x) * part;
  const y = a.y + (b.y - a.y) * part;
  return { x: x - view.width / 2 / scale, y: y - view.height / 2 / scale, scale };
}
