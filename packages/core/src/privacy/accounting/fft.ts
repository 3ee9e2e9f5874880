/** Transforms complex vectors of one length in place. */
export interface Fft {
  readonly size: number;
  /** X[k] = sum over n of x[n] e^(-2 pi i k n / size); both [size]. */
  forward(re: Float64Array, im: Float64Array): void;
  /** The inverse, with its factor 1/size. */
  inverse(re: Float64Array, im: Float64Array): void;
}

/**
 * Fast Fourier transform in float64, radix 2 (J. W. Cooley, J. W. Tukey, "An Algorithm for the Machine Calculation of
 * Complex Fourier Series", Math. Comp. 19, 1965). Roots of unity are computed one by one, so the error grows with the
 * logarithm of the size only.
 *
 * @param size a power of two, at least 2
 */
export function createFft(size: number): Fft {
  const half = size / 2;
  const cos = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  const reversed = bitReversal(size);
  const forward = (re: Float64Array, im: Float64Array) => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i]!;
      if (j <= i) continue;
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
    for (let width = 1; width < size; width *= 2) butterflies(re, im, width, cos, sin);
  };
  return {
    size,
    forward,
    inverse(re, im) {
      // The transform with real and imaginary parts exchanged is the inverse, but for the factor.
      forward(im, re);
      for (let i = 0; i < size; i++) {
        re[i]! /= size;
        im[i]! /= size;
      }
    },
  };
}

/** Joins transforms of `width` into transforms of twice that. */
function butterflies(re: Float64Array, im: Float64Array, width: number, cos: Float64Array, sin: Float64Array): void {
  const stride = cos.length / width;
  for (let start = 0; start < re.length; start += 2 * width) {
    for (let k = 0; k < width; k++) {
      const a = start + k;
      const b = a + width;
      const c = cos[k * stride]!;
      const s = sin[k * stride]!;
      const x = re[b]! * c - im[b]! * s;
      const y = re[b]! * s + im[b]! * c;
      re[b] = re[a]! - x;
      im[b] = im[a]! - y;
      re[a]! += x;
      im[a]! += y;
    }
  }
}

function bitReversal(size: number): Uint32Array {
  const reversed = new Uint32Array(size);
  for (let i = 1; i < size; i++) reversed[i] = (reversed[i >> 1]! >> 1) | (i % 2 === 0 ? 0 : size / 2);
  return reversed;
}
