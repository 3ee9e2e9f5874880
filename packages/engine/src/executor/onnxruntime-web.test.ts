import { expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import type { Tensor } from "../graph/graph.ts";
import type { TensorTree } from "../graph/trace.ts";
import { gelu, relu, sigmoid, tanh } from "../ops/activations.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { greater } from "../ops/comparison.ts";
import { scan } from "../ops/control.ts";
import { add, exp, log, mul, square, sub } from "../ops/elementwise.ts";
import { gather, gatherLast } from "../ops/indexing.ts";
import { matmul } from "../ops/matmul.ts";
import { concat, pad, slice } from "../ops/pieces.ts";
import { argmax, max, mean } from "../ops/reductions.ts";
import { cast, where } from "../ops/selection.ts";
import { transpose } from "../ops/shape.ts";
import { checkExecutor, host, sample } from "../testing/check.ts";
import { onnxruntimeWeb } from "./onnxruntime-web.ts";

const labels = host("int32", [3], [2, 0, 1]);

it("WebAssembly computes what the interpreter does", async () => {
  const executor = await onnxruntimeWeb();
  const many = ({ x, w, labels }: Record<string, Tensor>): Tensor => {
    const hidden = gelu(matmul(x!, w!));
    const logits = sub(hidden, max(hidden, [1], true));
    const losses = sub(log(sum(exp(logits), [1])), gatherLast(logits, labels!));
    const moved = concat([pad(transpose(relu(x!), [1, 0]), [0, 1], [1, 0]), broadcastTo(sigmoid(mean(w!)), [4, 4])], 0);
    const chosen = where(greater(moved, 0.5), square(moved), tanh(moved));
    return add(mean(losses), sum(gather(slice(chosen, [0, 0], [8, 4]), labels!)));
  };
  const inputs = { x: sample([3, 4]), w: sample([4, 3], { seed: 2 }), labels };
  await checkExecutor("many operators", many, inputs, { executor });
  await checkExecutor("argmax", ({ x }) => argmax(x!, 1), { x: inputs.x }, { executor });
});

it("WebAssembly runs local steps in one call", async () => {
  const local = ({ w, data, batches }: Record<string, Tensor>): TensorTree =>
    scan(
      (c: { w: Tensor }, s: { batch: Tensor }) => {
        const rows = mul(cast(gather(data!, s.batch), "float"), 1 / 255);
        const { value, gradients } = valueAndGrad((v) => mean(square(sub(matmul(rows, v.w), 1))), { w: c.w });
        return { carry: { w: sub(c.w, mul(0.1, gradients.w)) }, output: { loss: value } };
      },
      { w: w! },
      { batch: batches! },
    );
  const inputs = {
    w: sample([2, 3]),
    data: host("uint8", [4, 2], [1, 2, 3, 4, 5, 6, 255, 0]),
    batches: host("int32", [3, 2], [0, 1, 2, 3, 3, 0]),
  };
  const shapes = { data: ["N", 2], batches: ["K", "B"] };
  await expect(
    checkExecutor("scan", local, inputs, { executor: await onnxruntimeWeb(), shapes }),
  ).resolves.toBeUndefined();
});
