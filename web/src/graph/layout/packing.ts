/**
 * Puts the parts of a graph that do not hang together beside each other, in a picture about as wide as a screen.
 *
 * Shelves, tallest first; on a shelf, stacks: a small part goes under another one where it fits. Close to the
 * best packing for boxes like these, and simple enough to see that nothing overlaps.
 */

export interface Box {
  readonly width: number;
  readonly height: number;
}
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Width by height of a screen. */
const aspect = 1.6;

/** The upper left corner of each box; boxes stand at least `gap` apart. */
export function pack(boxes: readonly Box[], gap: number): Place[] {
  const order = [...boxes.keys()].sort(
    (a, b) => boxes[b]!.height - boxes[a]!.height || boxes[b]!.width - boxes[a]!.width || a - b,
  );
  const area = boxes.reduce((sum, { width, height }) => sum + (width + gap) * (height + gap), 0);
  const widest = boxes.reduce((most, { width }) => Math.max(most, width), 0);
  const shelfWidth = Math.max(widest, Math.sqrt(area * aspect));
  const places: Place[] = [];
  let shelf = { y: 0, height: 0 };
  let stack = { x: 0, y: 0, width: 0 };
  for (const index of order) {
    const { width, height } = boxes[index]!;
    const fits = width <= stack.width && stack.y + height <= shelf.y + shelf.height;
    if (!fits) {
      const x = stack.width === 0 ? 0 : stack.x + stack.width + gap;
      if (stack.width === 0 || x + width > shelfWidth) {
        shelf = { y: stack.width === 0 ? 0 : shelf.y + shelf.height + gap, height };
        stack = { x: 0, y: shelf.y, width };
      } else {
        stack = { x, y: shelf.y, width };
      }
    }
    places[index] = { x: stack.x, y: stack.y };
    stack.y += height + gap;
  }
  return places;
}
