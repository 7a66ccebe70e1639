/**
 * Packs the components of a graph into a picture with about the proportions of a screen.
 *
 * Skyline packing: tallest first, each as high up as it fits below the placed ones, and as far left. The
 * skyline is the lower edge of the placed boxes, from left to right.
 */

export interface Box {
  readonly width: number;
  readonly height: number;
}
export interface Place {
  readonly x: number;
  readonly y: number;
}

interface Segment extends Place {
  readonly width: number;
}

/** Width by height of a screen below the page header. */
const aspect = 1.8;

/** The upper left corner of each box; boxes are at least `gap` apart. */
export function pack(boxes: readonly Box[], gap: number): Place[] {
  const order = [...boxes.keys()].sort(
    (a, b) => boxes[b]!.height - boxes[a]!.height || boxes[b]!.width - boxes[a]!.width || a - b,
  );
  const area = boxes.reduce((sum, { width, height }) => sum + (width + gap) * (height + gap), 0);
  const widest = boxes.reduce((most, { width }) => Math.max(most, width), 0);
  const tallest = boxes.reduce((most, { height }) => Math.max(most, height), 0);
  // A component taller than its share sets the height; the others are placed beside it, not below.
  const height = Math.max(tallest + gap, Math.sqrt(area / aspect));
  const room = Math.max(widest + gap, (area / height) * 1.05);
  let skyline: readonly Segment[] = [{ x: 0, y: 0, width: room }];
  const places: Place[] = [];
  for (const index of order) {
    const { width: w, height: h } = boxes[index]!;
    const place = highest(skyline, Math.min(w + gap, room), room);
    places[index] = place;
    skyline = covered(skyline, { x: place.x, y: place.y + h + gap, width: Math.min(w + gap, room) });
  }
  return places;
}

/** Of all possible segments, the one with the highest position; the leftmost of those. */
function highest(skyline: readonly Segment[], width: number, room: number): Place {
  let best: Place | null = null;
  for (let first = 0; first < skyline.length; first += 1) {
    const { x } = skyline[first]!;
    if (x + width > room + 1e-6) break;
    let y = 0;
    for (let at = first; at < skyline.length && skyline[at]!.x < x + width - 1e-6; at += 1) {
      y = Math.max(y, skyline[at]!.y);
    }
    if (best === null || y < best.y) best = { x, y };
  }
  return best ?? { x: 0, y: skyline.reduce((most, { y }) => Math.max(most, y), 0) };
}

/** The skyline with another box below it. */
function covered(skyline: readonly Segment[], piece: Segment): Segment[] {
  const end = piece.x + piece.width;
  const left = skyline.filter(({ x, width }) => x + width <= piece.x + 1e-6);
  const right = skyline.filter(({ x }) => x >= end - 1e-6);
  const cut = skyline.find(({ x, width }) => x < end - 1e-6 && x + width > end + 1e-6);
  const rest = cut === undefined ? [] : [{ x: end, y: cut.y, width: cut.x + cut.width - end }];
  return [...left, piece, ...rest, ...right];
}
