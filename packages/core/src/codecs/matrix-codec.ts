/** How a codec writes one matrix [m, n], row-major; where that saves nothing, it writes the matrix itself. */
export interface MatrixCodec {
  /** Whether it encodes matrices of this shape; others travel as they are. */
  takes(m: number, n: number): boolean;
  /** Floats that an encoded matrix takes at most. */
  largest(m: number, n: number): number;
  /** Floats of the encoded matrix that begins with `first`; undefined where none can begin so. */
  length(first: number | undefined, m: number, n: number): number | undefined;
  encode(matrix: Float64Array, m: number, n: number): ArrayLike<number>;
  /** Takes `length` floats. */
  decode(encoded: Float64Array, m: number, n: number): ArrayLike<number>;
}
