/** Running sums of rows over the bands, from which stacked bars are drawn. Pure. */
export function stacked(rows: readonly (readonly number[])[], bands: number): number[][] {
  const sums = Array.from({ length: bands }, () => new Array<number>(rows.length).fill(0));
  rows.forEach((row, i) => {
    let sum = 0;
    for (let band = 0; band < bands; band += 1) {
      sum += row[band] ?? 0;
      sums[band]![i] = sum;
    }
  });
  return sums;
}
