/**
 * Local training of a small network with batch normalization in plain loops, for tests: dense, batch normalization and relu
 * for each hidden layer, then dense and cross-entropy. Gradients are difference quotients, so nothing of the engine is in it.
 */

/** Values of parameters by name, as the "mlp" model names them. */
export type Values = Readonly<Record<string, readonly number[]>>;

/** Examples of a client. */
export interface Examples {
  readonly rows: readonly (readonly number[])[];
  readonly labels: readonly number[];
}

const isStatistic = (name: string) => name.endsWith(".mean") || name.endsWith(".variance");

/** Full-batch SGD; running statistics follow each step's batch by a tenth. */
export function trainByHand(start: Values, examples: Examples, steps: number, rate: number): Values {
  let values = start;
  for (let step = 0; step < steps; step++) {
    const { moments } = forward(values, examples.rows, true);
    const next = Object.entries(values).map(([name, old]) => {
      if (isStatistic(name)) return [name, old.map((v, i) => 0.9 * v + 0.1 * moments[name]![i]!)] as const;
      return [name, old.map((v, i) => v - rate * slope(values, examples, name, i))] as const;
    });
    values = Object.fromEntries(next);
  }
  return values;
}

/** Mean cross-entropy; `training`: with the moments of these rows, else with the running statistics. */
export function lossByHand(values: Values, { rows, labels }: Examples, training: boolean): number {
  const { logits } = forward(values, rows, training);
  const losses = logits.map((z, r) => Math.log(z.reduce((s, v) => s + Math.exp(v), 0)) - z[labels[r]!]!);
  return mean(losses);
}

function slope(values: Values, examples: Examples, name: string, i: number): number {
  const at = (shift: number) => {
    const moved = values[name]!.map((v, k) => (k === i ? v + shift : v));
    return lossByHand({ ...values, [name]: moved }, examples, true);
  };
  return (at(1e-5) - at(-1e-5)) / 2e-5;
}

function forward(values: Values, rows: Examples["rows"], training: boolean) {
  const moments: Record<string, number[]> = {};
  const layers = Object.keys(values).filter((name) => /^dense\d+\.weight$/.test(name)).length;
  let x = rows;
  for (let layer = 1; layer <= layers; layer++) {
    const [weight, bias] = [values[`dense${layer}.weight`]!, values[`dense${layer}.bias`]!];
    const width = bias.length;
    const y = x.map((row) => bias.map((b, j) => b + row.reduce((s, v, i) => s + v * weight[i * width + j]!, 0)));
    if (layer === layers) return { logits: y, moments };
    const name = `norm${layer}`;
    const columns = bias.map((_, j) => y.map((row) => row[j]!));
    const means = columns.map(mean);
    const squares = columns.map((column, j) => column.reduce((s, v) => s + (v - means[j]!) ** 2, 0));
    moments[`${name}.mean`] = means;
    moments[`${name}.variance`] = squares.map((s) => s / (x.length - 1));
    const center = training ? means : values[`${name}.mean`]!;
    const variance = training ? squares.map((s) => s / x.length) : values[`${name}.variance`]!;
    x = y.map((row) =>
      row.map((v, j) => {
        const standard = (v - center[j]!) / Math.sqrt(variance[j]! + 1e-5);
        return Math.max(0, values[`${name}.gamma`]![j]! * standard + values[`${name}.beta`]![j]!);
      }),
    );
  }
  throw new Error("a network has a dense layer at least");
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
