/**
 * Adam on one vector of the host, which it moves in place: decay rates 0.9 and 0.999, epsilon 1e-8.
 *
 * Citation: D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, algorithm 1.
 */
export class HostAdam {
  readonly #values: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #count = 0;

  constructor(values: Float64Array) {
    this.#values = values;
    this.#first = new Float64Array(values.length);
    this.#second = new Float64Array(values.length);
  }

  step(gradient: ArrayLike<number>, rate: number): void {
    const [beta1, beta2] = [0.9, 0.999];
    this.#count++;
    const [c1, c2] = [1 - beta1 ** this.#count, 1 - beta2 ** this.#count];
    for (let i = 0; i < this.#values.length; i++) {
      const g = gradient[i]!;
      this.#first[i] = beta1 * this.#first[i]! + (1 - beta1) * g;
      this.#second[i] = beta2 * this.#second[i]! + (1 - beta2) * g * g;
      this.#values[i]! -= (rate * (this.#first[i]! / c1)) / (Math.sqrt(this.#second[i]! / c2) + 1e-8);
    }
  }
}
