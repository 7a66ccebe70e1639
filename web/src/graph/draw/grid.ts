/**
 * A spatial index: boxes in square cells, so that drawing a part of the picture costs in proportion to that
 * part. Flat arrays, built once per layout.
 */

export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A few cards wide: smaller cells cost memory, larger ones draw invisible cards. */
const cell = 640;

export class Grid {
  readonly #across: number;
  readonly #down: number;
  readonly #start: Int32Array;
  readonly #list: Int32Array;
  /** The last query that found each box, so that a box in several cells is returned once. */
  readonly #seen: Uint32Array;
  #query = 0;

  /** For `count` boxes in a picture of this size. */
  constructor(
    count: number,
    size: { readonly width: number; readonly height: number },
    box: (i: number) => Bounds,
  ) {
    this.#across = Math.floor(size.width / cell) + 1;
    this.#down = Math.floor(size.height / cell) + 1;
    this.#seen = new Uint32Array(count);
    const start = new Int32Array(this.#across * this.#down + 1);
    for (let i = 0; i < count; i += 1) this.#cells(box(i), (at) => (start[at + 1]! += 1));
    for (let at = 1; at < start.length; at += 1) start[at]! += start[at - 1]!;
    const next = start.slice();
    const list = new Int32Array(start.at(-1)!);
    for (let i = 0; i < count; i += 1) {
      this.#cells(box(i), (at) => {
        list[next[at]!] = i;
        next[at]! += 1;
      });
    }
    this.#start = start;
    this.#list = list;
  }

  /** Calls `visit` for each box whose cells touch the bounds, which may include boxes slightly outside. */
  within(bounds: Bounds, visit: (i: number) => void): void {
    this.#query += 1;
    this.#cells(bounds, (at) => {
      for (let i = this.#start[at]!; i < this.#start[at + 1]!; i += 1) {
        const box = this.#list[i]!;
        if (this.#seen[box] === this.#query) continue;
        this.#seen[box] = this.#query;
        visit(box);
      }
    });
  }

  #cells({ left, top, right, bottom }: Bounds, visit: (at: number) => void): void {
    const lastColumn = Math.min(this.#across - 1, Math.floor(right / cell));
    const lastRow = Math.min(this.#down - 1, Math.floor(bottom / cell));
    for (let row = Math.max(0, Math.floor(top / cell)); row <= lastRow; row += 1) {
      for (let column = Math.max(0, Math.floor(left / cell)); column <= lastColumn; column += 1) {
        visit(row * this.#across + column);
      }
    }
  }
}
