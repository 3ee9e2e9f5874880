import { concat, constant, type Dim, gather, matmul, mul, reshape, slice, type Tensor } from "@anabranch/engine";

/**
 * The upper triangles of sum_n x_n x_n^T over the members of each class, traced: [C, q (q + 1) / 2].
 *
 * @param rows [n, q]
 * @param members [n, C], 1 where the row is of the class and else 0
 */
export function classScatter(rows: Tensor, members: Tensor): Tensor {
  const [n, q] = rows.shape as readonly [Dim, number];
  const classes = members.shape[1] as number;
  const kept = upperTriangle(q);
  const places = constant(
    kept.map(([i, j]) => i * q + j),
    [kept.length],
    "int32",
  );
  const ofClass = (c: number) => {
    const own = mul(rows, slice(members, [0, c], [n, c + 1]));
    return gather(reshape(matmul(own, rows, { transposeA: true }), [1, q * q]), places, 1);
  };
  return concat(
    Array.from({ length: classes }, (_, c) => ofClass(c)),
    0,
  );
}

/** Rows and columns of the upper triangle of a matrix [q, q], row by row. */
export function upperTriangle(q: number): (readonly [number, number])[] {
  return Array.from({ length: q }, (_, i) => Array.from({ length: q - i }, (_entry, j) => [i, i + j] as const)).flat();
}

/** The symmetric matrix [q, q] of the values of its upper triangle. */
export function fromUpperTriangle(values: ArrayLike<number>, q: number): Float64Array {
  const matrix = new Float64Array(q * q);
  for (const [k, [i, j]] of upperTriangle(q).entries()) {
    matrix[i * q + j] = values[k]!;
    matrix[j * q + i] = values[k]!;
  }
  return matrix;
}
