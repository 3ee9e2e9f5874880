/**
 * Flatness distance and sharpness: whether the directions in which single clients' losses rise are the one in which the
 * global loss rises, and how much each rises at a distance rho.
 *
 * Citation: J. Liu, F. Shang, Y. Tian, H. Liu, Y. Liu, "Consistency of Local and Global Flatness for Federated Learning",
 * ACM MM 2025, arXiv:2602.23827, whose concept it is; the formulas are ours, as the paper's text was not at hand.
 *
 * Definition, at the global model x, for clients i = 1..n with one fixed batch each:
 *   F_i = mean loss of the batch;  F = mean_i F_i;  u_i = grad F_i / |grad F_i|;  u = grad F / |grad F|
 *   distance           mean_i |u_i - u|^2            0 (all agree) to 4; about 1 and more where they have little in common
 *   momentumDistance   |-m / |m| - u|^2              m = x - x_previous, the last global step: all clients perturb along it
 *   globalSharpness    F(x + rho u) - F(x)
 *   localSharpness     mean_i [F_i(x + rho u_i) - F_i(x)]
 * A zero vector has no direction and stays zero. For FedNSAM and FedAvgM m is the server's momentum.
 *
 * Cost: per client one gradient and three losses of its batch; memory: three vectors [d].
 */
import { dot, norm2, type Vector } from "../params/vector.ts";

/** Loss and gradient of one client's batch. */
export interface ClientGradient {
  /** F_i(x) */
  readonly loss: number;
  /** F_i(x + rho u_i) */
  readonly perturbedLoss: number;
  /** grad F_i(x) [d]; read before the next one is asked for. */
  readonly gradient: Vector;
}

/** Looks at clients' losses on fixed batches. Simulations have one; nobody has one in a live run. */
export interface Probe {
  /** Number of clients, 1 or more. */
  readonly clients: number;
  /** Of one client, by place among those that are looked at. */
  gradient(client: number, parameters: Vector): Promise<ClientGradient>;
  loss(client: number, parameters: Vector): Promise<number>;
}

export interface Flatness {
  /** rho */
  readonly radius: number;
  readonly clients: number;
  readonly distance: number;
  /** NaN where the model did not move. */
  readonly momentumDistance: number;
  readonly globalSharpness: number;
  readonly localSharpness: number;
}

/**
 * Measures the model x [d].
 *
 * @param step m [d], the last global step x - x_previous
 */
export async function measureFlatness(probe: Probe, x: Vector, step: Float64Array, radius: number): Promise<Flatness> {
  const { clients } = probe;
  const gradients = new Float64Array(x.length);
  const directions = new Float64Array(x.length);
  let [loss, rise, squares] = [0, 0, 0];
  for (let client = 0; client < clients; client++) {
    const own = await probe.gradient(client, x);
    const norm = norm2(own.gradient);
    addScaled(gradients, own.gradient, 1 / clients);
    if (norm > 0) addScaled(directions, own.gradient, 1 / norm / clients);
    squares += (norm > 0 ? 1 : 0) / clients;
    loss += own.loss / clients;
    rise += (own.perturbedLoss - own.loss) / clients;
  }
  const u = direction(gradients);
  const length = dot(u, u);
  const moved = x.slice();
  addScaled(moved, u, radius);
  let risen = 0;
  for (let client = 0; client < clients; client++) risen += (await probe.loss(client, moved)) / clients;
  const back = direction(step.map((value) => -value));
  return {
    radius,
    clients,
    // |u_i - u|^2 = |u_i|^2 - 2 u_i u + |u|^2, below 0 by rounding alone
    distance: Math.max(0, squares - 2 * dot(directions, u) + length),
    momentumDistance: dot(back, back) === 0 ? Number.NaN : Math.max(0, dot(back, back) - 2 * dot(back, u) + length),
    globalSharpness: risen - loss,
    localSharpness: rise,
  };
}

function addScaled(sum: Vector, vector: Vector, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += factor * vector[i]!;
}

function direction(vector: Float64Array): Float64Array {
  const norm = norm2(vector);
  return norm === 0 ? vector : vector.map((value) => value / norm);
}
