import { expect, it } from "vitest";
import type { Executor } from "../executor/executor.ts";
import { interpreter } from "../executor/interpreter.ts";
import { apply } from "../graph/apply.ts";
import type { Operator } from "../graph/graph.ts";
import { mul, square } from "../ops/elementwise.ts";
import { checkExecutor, checkGradients, formatTally, sample, tally } from "./check.ts";
import type { CheckKind } from "./tally.ts";

function squareWith(gradient: NonNullable<Operator["gradient"]>): Operator {
  return {
    name: "tested",
    infer: (inputs) => [inputs[0]!],
    gradient,
    lower: () => [],
    evaluate: ([x]) => [{ ...x!, data: Float64Array.from(x!.data, (v) => v * v) }],
  };
}

const x = sample([5]);

it("finds a wrong first derivative", () => {
  const wrong = squareWith((node, [ct]) => [mul(ct!, mul(node.inputs[0]!, 2.0001))]);
  expect(() => checkGradients("wrong", ({ x }) => apply(wrong, [x!]), { x })).toThrow(/a first derivative disagrees/);
});

it("finds a right first derivative with a wrong second one", () => {
  const double: Operator = {
    ...squareWith(() => [undefined]),
    evaluate: ([x]) => [{ ...x!, data: Float64Array.from(x!.data, (v) => 2 * v) }],
  };
  const wrong = squareWith((node, [ct]) => [mul(ct!, apply(double, [node.inputs[0]!]))]);
  expect(() => checkGradients("wrong", ({ x }) => apply(wrong, [x!]), { x })).toThrow(/a second derivative disagrees/);
});

it("finds an executor that errs", async () => {
  const erring: Executor = {
    ...interpreter(),
    load: async (program) => {
      const executable = await interpreter().load(program);
      return {
        ...executable,
        run: async (inputs) => {
          const outputs = await executable.run(inputs);
          outputs["by/x"]!.data[2]! *= 1.001;
          return outputs;
        },
      };
    },
  };
  const check = checkExecutor("erring", ({ x }) => square(x!), { x }, { executor: erring });
  await expect(check).rejects.toThrow(/erring, output by\/x/);
});

it("counts what it checked", () => {
  const counted = (kind: CheckKind) => tally().find((entry) => entry.kind === kind)?.count ?? 0;
  const [first, second] = [counted("first derivative"), counted("second derivative")];
  checkGradients("square", ({ x }) => square(x!), { x });
  expect([counted("first derivative") - first, counted("second derivative") - second]).toEqual([1, 1]);
  expect(formatTally()).toMatch(/^first derivative: \d+ checks, worst .* \(.*\)$/m);
});
