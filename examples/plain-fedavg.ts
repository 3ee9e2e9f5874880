/**
 * FedAvg in plain loops: multinomial logistic regression, numbers in arrays, no library of ours. Read this first; the
 * real thing (packages/core/src/algorithms/fedavg.ts) gives the same model, which plain-fedavg.test.ts checks.
 */

/** Examples of one client: features [n][inputs], labels [n]. */
export interface PlainClient {
  readonly features: readonly (readonly number[])[];
  readonly labels: readonly number[];
}

/** weights [inputs][classes], bias [classes] */
export interface PlainModel {
  readonly weights: number[][];
  readonly bias: number[];
}

export interface PlainSettings {
  readonly rounds: number;
  readonly learningRate: number;
  /** Clients that take part in a round. */
  cohort(round: number): readonly number[];
  /** The mini-batches of a client in a round: rows of its data. */
  batches(round: number, client: number): readonly (readonly number[])[];
}

/** Trains for some rounds and returns the global model. */
export function plainFedAvg(clients: readonly PlainClient[], start: PlainModel, settings: PlainSettings): PlainModel {
  let global = copy(start);
  for (let round = 1; round <= settings.rounds; round++) {
    const cohort = settings.cohort(round);
    const trained: PlainModel[] = [];
    for (const client of cohort) {
      // the client: start from the global model, walk through the mini-batches
      const local = copy(global);
      for (const batch of settings.batches(round, client))
        sgdStep(local, clients[client]!, batch, settings.learningRate);
      trained.push(local);
    }
    // the server: average what came back, weighted by the number of examples
    const examples = cohort.map((client) => clients[client]!.labels.length);
    const total = examples.reduce((a, b) => a + b, 0);
    const next = copy(global);
    for (let c = 0; c < next.bias.length; c++) {
      for (let i = 0; i < next.weights.length; i++) {
        next.weights[i]![c] = trained.reduce((sum, m, k) => sum + (examples[k]! / total) * m.weights[i]![c]!, 0);
      }
      next.bias[c] = trained.reduce((sum, m, k) => sum + (examples[k]! / total) * m.bias[c]!, 0);
    }
    global = next;
  }
  return global;
}

/** One step on the mean cross-entropy of a batch: the gradient of the logits is (softmax - one-hot) / batch. */
function sgdStep(model: PlainModel, client: PlainClient, batch: readonly number[], learningRate: number): void {
  const errors = batch.map((row) => {
    const p = softmax(logits(model, client.features[row]!));
    p[client.labels[row]!]! -= 1;
    return p;
  });
  const rate = learningRate / batch.length;
  for (let k = 0; k < batch.length; k++) {
    const x = client.features[batch[k]!]!;
    for (let c = 0; c < model.bias.length; c++) {
      const step = rate * errors[k]![c]!;
      for (let i = 0; i < x.length; i++) model.weights[i]![c]! -= step * x[i]!;
      model.bias[c]! -= step;
    }
  }
}

/** Scores of every class for one example. */
export function logits(model: PlainModel, x: readonly number[]): number[] {
  return model.bias.map((b, c) => x.reduce((sum, value, i) => sum + value * model.weights[i]![c]!, b));
}

function softmax(values: readonly number[]): number[] {
  const top = Math.max(...values);
  const powers = values.map((v) => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / total);
}

function copy(model: PlainModel): PlainModel {
  return { weights: model.weights.map((row) => [...row]), bias: [...model.bias] };
}
