import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

/** Six examples of class 0, two of class 1, none of class 2; each in one coordinate of its own. */
const truth = [0, 0, 0, 0, 0, 0, 1, 1];
const part = (): ArrayDataset => ({
  name: "rare",
  features: { dtype: "float", shape: [8, 2], data: Float32Array.from(truth.flatMap((label) => [1 - label, label])) },
  labels: { dtype: "uint8", shape: [8], data: Uint8Array.from(truth) },
  classes: 3,
});

function prepare(input: ConfigInput) {
  const config = resolveConfig({
    rounds: 1,
    data: { clients: 1, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    sampler: { cohort: 1 },
    ...input,
    training: { batchSize: 8, localSteps: 1, learningRate: 1, ...input.training },
  });
  const executor = { name: "interpreter", version: "", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, { train: part(), test: part() }, executor, 0, "adjusted");
}

/** Parameters after the run, minus those before. */
async function moved(input: ConfigInput): Promise<Record<string, number[]>> {
  const { plan, simulation } = prepare(input);
  const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  const { parameters } = await runFederation(plan, { backend, evaluator, ...ports });
  await close();
  return Object.fromEntries(
    plan.layout.entries.map(({ name, offset, size }) => [
      name,
      Array.from({ length: size }, (_, i) => parameters[offset + i]! - plan.initial[offset + i]!),
    ]),
  );
}

/** One step on the bias of a linear model by hand, with logits raised by `raise`. */
function biasStep(initial: { weight: number[]; bias: number[] }, raise: readonly number[]): number[] {
  const steps = truth.map((label) => {
    const logits = raise.map((extra, c) => initial.weight[label * 3 + c]! + initial.bias[c]! + extra);
    const powers = logits.map(Math.exp);
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((power, c) => (c === label ? 1 : 0) - power / total);
  });
  return raise.map((_, c) => steps.reduce((sum, step) => sum + step[c]!, 0) / truth.length);
}

function initialOf(): { weight: number[]; bias: number[] } {
  const { plan } = prepare({});
  const values = (end: string) => {
    const { offset, size } = plan.layout.entries.find(({ name }) => name.endsWith(end))!;
    return Array.from(plan.initial.subarray(offset, offset + size));
  };
  return { weight: values("weight"), bias: values("bias") };
}

describe("the adjusted loss", () => {
  it.each([
    "client",
    "global",
  ] as const)("raises logits by the log of the counts in training (%s)", async (adjustment) => {
    const changes = await moved({ training: { loss: { adjustment, strength: 0.5 } } });
    const [, bias] = Object.entries(changes).find(([name]) => name.endsWith("bias"))!;
    const expected = biasStep(
      initialOf(),
      [6, 2, 1].map((count) => 0.5 * Math.log(count)),
    );
    expect(bias).toEqual(expected.map((x) => expect.closeTo(x, 6)));
  });

  it("is the model's own loss by default, and with strength 0", async () => {
    const plain = await moved({});
    expect(Object.entries(plain).find(([name]) => name.endsWith("bias"))![1]).toEqual(
      biasStep(initialOf(), [0, 0, 0]).map((x) => expect.closeTo(x, 6)),
    );
    expect(await moved({ training: { loss: { adjustment: "client", strength: 0 } } })).toEqual(plain);
    expect(prepare({ training: { loss: { strength: 3 } } }).plan.configHash).toBe(prepare({}).plan.configHash);
  });

  it("has a penalty on confident outputs, of the batch's own rows", async () => {
    const margin = 0.4;
    const rows = async (more: object) => {
      const changes = await moved({ training: { loss: { margin }, ...more } });
      return Object.entries(changes).find(([name]) => name.endsWith("bias"))![1];
    };
    const { weight, bias } = initialOf();
    const loss = (shift: readonly number[]) => {
      let [total, square] = [0, 0];
      for (const label of truth) {
        const powers = shift.map((extra, c) => Math.exp(weight[label * 3 + c]! + bias[c]! + extra));
        const shares = powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
        total -= Math.log(shares[label]!) / truth.length;
        square += shares.reduce((sum, share) => sum + share ** 2, 0);
      }
      return total + margin * Math.log(1 + square);
    };
    const at = (c: number, h: number) => loss([0, 1, 2].map((k) => (k === c ? h : 0)));
    const expected = [0, 1, 2].map((c) => -(at(c, 1e-5) - at(c, -1e-5)) / 2e-5);
    // a batch of 8 rows, and one with a row of padding
    for (const batchSize of [8, 9])
      expect(await rows({ batchSize })).toEqual(expected.map((x) => expect.closeTo(x, 6)));
  });

  it.each<[string, ConfigInput, RegExp]>([
    [
      "counts of all clients under secure aggregation",
      {
        secureAggregation: { protocol: "plain", range: 1 },
        data: { clients: 2, partition: { scheme: "iid" } },
        sampler: { cohort: 2 },
      },
      /private updates.*"client"/s,
    ],
  ])("refuses %s", (_name, input, message) => {
    expect(() => prepare({ ...input, training: { loss: { adjustment: "global" } } })).toThrow(message);
  });
});
