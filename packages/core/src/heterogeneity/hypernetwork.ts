import {
  add,
  gradients,
  matmul,
  type Optimizer,
  relu,
  reshape,
  sgd,
  type Tensor,
  type TensorTree,
  takeStep,
} from "@anabranch/engine";
import { clippedTogether } from "./clipped-together.ts";
import { evaluated } from "./evaluated.ts";

/** One linear map from the hidden layer to a tensor: weight B [size, h], bias c [size]. */
export type TensorMap = { readonly weight: Tensor; readonly bias: Tensor };

/** What HyperFL shares, psi: a hidden layer, weight A [h, e] and bias a [h], and a map for each tensor of the features. */
export type Hypernetwork = {
  readonly hidden: TensorMap;
  readonly maps: { readonly [name: string]: TensorMap };
};

export type NamedShapes = Readonly<Record<string, readonly number[]>>;
type Named = { readonly [name: string]: Tensor };

/**
 * The feature extractor of a client, theta = h(v; psi): vec(T) = B_T relu(A v + a) + c_T for every tensor T, row-major.
 *
 * P. Guo, S. Zeng, W. Chen, X. Zhang, W. Ren, Y. Zhou, L. Qu, "A New Federated Learning Framework Against Gradient
 * Inversion Attacks", AAAI 2025, arXiv:2412.07187.
 *
 * @param embedding v, [e]
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { generatedTensors } from "@anabranch/core";
 * const hidden = { weight: constant([2], [1, 1]), bias: constant([1], [1]) };
 * const maps = { w: { weight: constant([1, 10], [2, 1]), bias: constant([0, 1], [2]) } };
 * evaluate(generatedTensors({ hidden, maps }, constant([3], [1]), { w: [1, 2] })["w"]!).data; // => [7, 71]
 * ```
 */
export function generatedTensors({ hidden, maps }: Hypernetwork, embedding: Tensor, shapes: NamedShapes): Named {
  const through = ({ weight, bias }: TensorMap, x: Tensor) =>
    add(reshape(matmul(weight, reshape(x, [x.shape[0]!, 1])), [bias.shape[0]!]), bias);
  const features = relu(through(hidden, embedding));
  return Object.fromEntries(
    Object.entries(maps).map(([name, map]) => [name, reshape(through(map, features), shapes[name]!)]),
  );
}

/** What a HyperFL client has in hand: the received psi, its own embedding v and its own head phi. Only psi is uploaded. */
export interface HypernetworkClient {
  readonly network: Hypernetwork;
  readonly embedding: Tensor;
  readonly head: Named;
}

export interface PhaseSettings {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** A scalar loss of a batch, by the generated tensors and the head. */
export type HypernetworkLoss = (features: Named, head: Named) => Tensor;

/**
 * The first phase of a HyperFL visit: steps on the head, with the feature extractor as it was received.
 *
 * @param losses one for each step
 * @example
 * ```ts
 * import { constant, evaluate, mul, reshape } from "@anabranch/engine";
 * import { headPhase } from "@anabranch/core";
 * const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
 * const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
 * const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
 * const settings = { learningRate: 0.1, momentum: 0, weightDecay: 0 };
 * const next = headPhase(client, { w: [1] }, [({ w }, { p }) => reshape(mul(w!, p!), [])], settings);
 * evaluate(next.head["p"]!).data; // => [2.8]
 * ```
 */
export function headPhase(
  client: HypernetworkClient,
  shapes: NamedShapes,
  losses: readonly HypernetworkLoss[],
  settings: PhaseSettings,
): HypernetworkClient {
  const features = evaluated(generatedTensors(client.network, client.embedding, shapes));
  const head = descend(client.head, losses, settings, (own, loss) => gradients(loss(features, own), own));
  return { ...client, head };
}

/**
 * Gradients by psi and by v through the generated tensors, before any clip: with the chain rule, J^T g_theta.
 *
 * @example
 * ```ts
 * import { constant, evaluate, mul, reshape } from "@anabranch/engine";
 * import { pulledBack } from "@anabranch/core";
 * const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
 * const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
 * const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
 * const slopes = pulledBack(client, { w: [1] }, ({ w }, { p }) => reshape(mul(w!, p!), []));
 * evaluate(slopes.embedding).data; // => [3]
 * ```
 */
export function pulledBack(
  { network, embedding, head }: HypernetworkClient,
  shapes: NamedShapes,
  loss: HypernetworkLoss,
): { readonly network: Hypernetwork; readonly embedding: Tensor } {
  return gradients(loss(generatedTensors(network, embedding, shapes), head), { network, embedding });
}

/**
 * The second phase of a HyperFL visit: steps on psi and v together, which generate the extractor anew in each step. The
 * gradient of psi and that of v are each cut to length `clip`, before weight decay.
 *
 * @param losses one for each step
 * @example
 * ```ts
 * import { constant, evaluate, mul, reshape } from "@anabranch/engine";
 * import { generatorPhase } from "@anabranch/core";
 * const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
 * const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
 * const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
 * const settings = { learningRate: 0.1, momentum: 0, weightDecay: 0, clip: 1 };
 * const next = generatorPhase(client, { w: [1] }, [({ w }, { p }) => reshape(mul(w!, p!), [])], settings);
 * evaluate(next.embedding).data; // => [1.9]
 * ```
 */
export function generatorPhase(
  client: HypernetworkClient,
  shapes: NamedShapes,
  losses: readonly HypernetworkLoss[],
  settings: PhaseSettings & { readonly clip?: number },
): HypernetworkClient {
  const start = { network: client.network, embedding: client.embedding };
  const trained = descend(start, losses, settings, (own, loss) => {
    const slopes = pulledBack({ ...client, ...own }, shapes, loss);
    return {
      network: clippedTogether(slopes.network, settings.clip),
      embedding: clippedTogether(slopes.embedding, settings.clip),
    };
  });
  return { ...client, ...trained };
}

/** Steps with momentum buffers that start at zero and end with the phase. */
function descend<P extends TensorTree>(
  start: P,
  losses: readonly HypernetworkLoss[],
  { learningRate, momentum, weightDecay }: PhaseSettings,
  slopesOf: (parameters: P, loss: HypernetworkLoss) => P,
): P {
  const optimizer: Optimizer = sgd({ momentum, weightDecay });
  let parameters = start;
  let state = optimizer.init(start);
  for (const loss of losses) {
    const next = takeStep(optimizer, slopesOf(parameters, loss), state, parameters, { learningRate });
    parameters = evaluated(next.parameters);
    state = evaluated(next.state);
  }
  return parameters;
}
