// Trains a small network on XOR with ONNX Runtime.
import * as ab from "@anabranch/engine";

const model = ab.nn.sequential(ab.nn.dense("hidden", 2, 8), ab.nn.tanh, ab.nn.dense("output", 8, 2));
const x = { dtype: "float", shape: [4, 2], data: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) } as const;
const y = { dtype: "int32", shape: [4], data: Int32Array.of(0, 1, 1, 0) } as const;

const step = ab.trace(
  ({ p, x, y }) => {
    const loss = (p: ab.nn.Parameters) => ab.mean(ab.softmaxCrossEntropy(model.apply(p, x), y));
    const { value, gradients } = ab.valueAndGrad(loss, p);
    return { loss: value, p: ab.takeStep(ab.sgd(), gradients, ab.sgd().init(p), p, { learningRate: 0.5 }).parameters };
  },
  { p: ab.nn.parameterTypes(model.parameters), x, y },
);
const executable = await (await ab.onnxruntimeNode()).load(ab.compileProgram("xor", step));
let state = ab.nn.drawParameters(model.parameters, Math.random, "p/");
for (let i = 1; i <= 500; i++) {
  state = { ...(await executable.run({ ...state, x, y })) };
  if (i % 100 === 0) console.log(`step ${i}: loss ${state["loss"]!.data[0]}`);
}
