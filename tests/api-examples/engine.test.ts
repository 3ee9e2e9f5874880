// Written by `npm run docs:generate` from the examples in doc comments. Change those, not this file.
import { describe, it } from "vitest";
import { AnabranchError, MessageWriter, abs, acos, activationOperators, adam, adamw, add, arccosineOperators, argmax, asTensor, attention, avgPool2d, batchNorm, broadcastTo, cast, checkIndex, clip, clipByGlobalNorm, combineTrees, comparisonOperators, compileLoop, compileProgram, concat, cond, constant, conv2d, conv2dInputGradient, conv2dWeightGradient, countFlops, countOf, disableTelemetry, div, elementwiseOperators, encodeModel, equal, erf, erfValue, erfcxValue, evaluate, exp, expandDims, fingerprint, flatten, formatShape, fromSvd, gather, gatherLast, gaussNewtonBartlett, gelu, globalNorm, gradients, greater, greaterEqual, groupNorm, hashBytes, hashText, hessianProduct, hutchinson, identity, indexingOperators, input, inputsBeside, interpreter, largest, layerInput, layerNorm, less, lessEqual, linear, loadProgram, log, logSoftmax, logicalAnd, logicalNot, mapTensors, matmul, max, maxPool2d, maximum, mean, minimum, mul, muon, neg, newtonSchulz, nn, normalizeBy, oneHot, onnxruntimeNode, onnxruntimeWeb, pad, pieceOperators, pow, product, qr, ranks, reductionOperators, relu, reshape, rsqrt, scan, scatterAdd, sgd, shampoo, shapeOperators, sigmoid, sign, silu, slice, smallest, soap, softmax, softmaxCrossEntropy, sophia, sqrt, square, squeeze, standardize, stopGradient, sub, sum, sumTo, symmetricEigen, takeStep, tanh, tensorLeaves, trace, transpose, transposed, truncatedSvd, type Tensor, valueAndGrad, valueAndGradWith, where, withPrefix, zerosLike } from "@anabranch/engine";
import { checkExecutor, checkGradients, descend, formatTally, host, sample, tally } from "@anabranch/engine/testing";
import { same } from "./same.ts";

describe("the example of", () => {
  it("gradients (engine/src/autodiff/gradient.ts)", async () => {
    const x = constant([1, 2], [2]);
    const by = gradients(sum(square(x)), { x });
    same(evaluate(by.x).data, [2, 4]);
  });

  it("valueAndGrad (engine/src/autodiff/gradient.ts)", async () => {
    const loss = ({ w }: { w: Tensor }) => sum(square(sub(w, 1)));
    const { value, gradients } = valueAndGrad(loss, { w: constant([3, 0], [2]) });
    same(evaluate(value).data, [5]);
    same(evaluate(gradients.w).data, [4, -2]);
  });

  it("valueAndGradWith (engine/src/autodiff/gradient.ts)", async () => {
    const loss = ({ w }: { w: Tensor }) => ({ value: sum(square(w)), auxiliary: w });
    const found = valueAndGradWith(loss, { w: constant([3, 0], [2]) });
    same(evaluate(found.gradients.w).data, [6, 0]);
  });

  it("AnabranchError (engine/src/errors.ts)", async () => {
    const error = new AnabranchError({ code: "data/empty", message: "no examples", advice: "Add some." });
    same(error.code, "data/empty");
    same(error.message, "no examples. Add some.");
  });

  it("evaluate (engine/src/executor/evaluate.ts)", async () => {
    same(evaluate(add(constant([1, 2], [2]), 1)).data, [2, 3]);
  });

  it("fingerprint (engine/src/executor/fingerprint.ts)", async () => {
    same((await fingerprint(interpreter())).length, 16);
  });

  it("interpreter (engine/src/executor/interpreter.ts)", async () => {
    const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
    const executable = await interpreter().load(compileProgram("double", graph));
    const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float64Array.of(1, 2) } });
    same(y!.data, [2, 4]);
  });

  it("loadProgram (engine/src/executor/load-program.ts)", async () => {
    const graph = trace(({ x }) => ({ y: square(x) }), { x: { dtype: "float", shape: [2] } });
    const executable = await loadProgram(interpreter(), compileProgram("square", graph));
    const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float64Array.of(2, 3) } });
    same(y!.data, [4, 9]);
  });

  it("onnxruntimeNode (engine/src/executor/onnxruntime-node.ts)", async () => {
    const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
    const executable = await (await onnxruntimeNode()).load(compileProgram("double", graph));
    const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float32Array.of(1, 2) } });
    same(y!.data, [2, 4]);
  });

  it("onnxruntimeWeb (engine/src/executor/onnxruntime-web.ts)", async () => {
    const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
    const executable = await (await onnxruntimeWeb()).load(compileProgram("double", graph));
    const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float32Array.of(1, 2) } });
    same(y!.data, [2, 4]);
  });

  it("disableTelemetry (engine/src/executor/telemetry.ts)", async () => {
    disableTelemetry(); // on the main thread, before worker threads open an executor
    same((await onnxruntimeNode()).name, "onnxruntime-node");
  });

  it("formatShape (engine/src/graph/shape.ts)", async () => {
    same(formatShape(["N", 28, 28]), "[N, 28, 28]");
  });

  it("input (engine/src/graph/sources.ts)", async () => {
    const x = input("x", { dtype: "float", shape: ["N", 4] });
    same(formatShape(mean(x, [1]).shape), "[N]");
  });

  it("constant (engine/src/graph/sources.ts)", async () => {
    const x = constant([1, 2, 3, 4], [2, 2]);
    same(x.shape, [2, 2]);
    same(evaluate(constant(2, [])).data, [2]);
  });

  it("asTensor (engine/src/graph/sources.ts)", async () => {
    same(asTensor(2).shape, []);
  });

  it("tensorLeaves (engine/src/graph/trace.ts)", async () => {
    same(tensorLeaves({ b: constant(1, []), a: { w: constant(2, []) } }).map(({ path }) => path), ["a/w", "b"]);
  });

  it("mapTensors (engine/src/graph/trace.ts)", async () => {
    const doubled = mapTensors({ a: constant([1], [1]), b: constant([2], [1]) }, (leaf) => mul(leaf, 2));
    same(evaluate(doubled.b).data, [4]);
  });

  it("trace (engine/src/graph/trace.ts)", async () => {
    const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: ["N"] } });
    same(graph.outputs.map(({ name }) => name), ["y"]);
  });

  it("hashBytes (engine/src/hash.ts)", async () => {
    same(hashBytes(Uint8Array.of(1, 2, 3)), "459ce8b5c46948eb");
  });

  it("hashText (engine/src/hash.ts)", async () => {
    same(hashText("abc"), "31b95b1116cf539d");
  });

  it("largest (engine/src/linalg/extremes.ts)", async () => {
    same(largest([3, -7, 5]), 5);
  });

  it("smallest (engine/src/linalg/extremes.ts)", async () => {
    same(smallest([3, -7, 5]), -7);
  });

  it("product (engine/src/linalg/product.ts)", async () => {
    same(product([1, 2, 3, 4], Float64Array.of(1, 0, 0, 2), 2, 2, 2), [1, 4, 3, 8]);
  });

  it("transposed (engine/src/linalg/product.ts)", async () => {
    same(transposed([1, 2, 3, 4, 5, 6], 2, 3), [1, 4, 2, 5, 3, 6]);
  });

  it("qr (engine/src/linalg/qr.ts)", async () => {
    const { q, r } = qr([3, 0, 4, 5], 2, 2);
    same(product(q, r, 2, 2, 2), [3, 0, 4, 5]);
  });

  it("symmetricEigen (engine/src/linalg/symmetric-eigen.ts)", async () => {
    const { values } = symmetricEigen([2, 1, 1, 2], 2);
    same([...values].sort((a, b) => a - b), [1, 3]);
  });

  it("truncatedSvd (engine/src/linalg/truncated-svd.ts)", async () => {
    const { rank, values } = truncatedSvd([3, 0, 0, 1], 2, 2, 1);
    same(rank, 1);
    same(values, [3]);
  });

  it("fromSvd (engine/src/linalg/truncated-svd.ts)", async () => {
    const triples = truncatedSvd([3, 0, 0, 1], 2, 2, 2);
    same(fromSvd(triples, 2, 2), [3, 0, 0, 1]);
  });

  it("relu (engine/src/nn/activations.ts)", async () => {
    same(evaluate(nn.relu.apply({}, constant([-1, 2], [2]))).data, [0, 2]);
  });

  it("gelu (engine/src/nn/activations.ts)", async () => {
    same(evaluate(nn.gelu.apply({}, constant([2], [1]))).data, [1.9545]);
  });

  it("tanh (engine/src/nn/activations.ts)", async () => {
    same(evaluate(nn.tanh.apply({}, constant([1], [1]))).data, [0.76159]);
  });

  it("flatten (engine/src/nn/activations.ts)", async () => {
    same(nn.flatten.apply({}, constant([1, 2, 3, 4], [1, 2, 2])).shape, [1, 4]);
  });

  it("batchNorm (engine/src/nn/batch-normalization.ts)", async () => {
    const { parameters } = nn.batchNorm("norm", 8);
    same(parameters.map(({ name }) => name), ["norm.gamma", "norm.beta", "norm.mean", "norm.variance"]);
    same(parameters[2]!.role, "statistics");
  });

  it("sequential (engine/src/nn/compose.ts)", async () => {
    const model = nn.sequential(nn.dense("hidden", 4, 8), nn.relu, nn.dense("output", 8, 2));
    same(nn.countParameters(model.parameters), 58);
  });

  it("residual (engine/src/nn/compose.ts)", async () => {
    const block = nn.residual(nn.relu);
    same(evaluate(block.apply({}, constant([-1, 2], [2]))).data, [-1, 4]);
  });

  it("conv2d (engine/src/nn/convolution.ts)", async () => {
    const layer = nn.conv2d("conv", 1, 8, 3);
    same(nn.countParameters(layer.parameters), 80);
  });

  it("maxPool (engine/src/nn/convolution.ts)", async () => {
    same(evaluate(nn.maxPool(2).apply({}, constant([1, 2, 3, 4], [1, 1, 2, 2]))).data, [4]);
  });

  it("dense (engine/src/nn/dense.ts)", async () => {
    const layer = nn.dense("output", 2, 3);
    same(layer.parameters.map(({ name }) => name), ["output.weight", "output.bias"]);
    same(layer.parameters[0]!.shape, [2, 3]);
  });

  it("dropout (engine/src/nn/dropout.ts)", async () => {
    const layer = nn.dropout("drop", [4], 0.5);
    same(layer.masks, [{ name: "drop", shape: [4], keep: 0.5 }]);
  });

  it("unpackMask (engine/src/nn/dropout.ts)", async () => {
    const bits = constant([0b00000101], [1, 1], "uint8");
    same(evaluate(nn.unpackMask(bits, [4], 0.5)).data, [2, 0, 2, 0]);
  });

  it("embedding (engine/src/nn/embedding.ts)", async () => {
    const layer = nn.embedding("token", 3, 2);
    const table = { "token.weight": constant([0, 0, 1, 1, 2, 2], [3, 2]) };
    same(evaluate(layer.apply(table, constant([2, 0], [2], "int32"))).data, [2, 2, 0, 0]);
  });

  it("positionEmbedding (engine/src/nn/embedding.ts)", async () => {
    same(nn.positionEmbedding("position", 16, 8).parameters[0]!.shape, [16, 8]);
  });

  it("graphConvolution (engine/src/nn/graph-convolution.ts)", async () => {
    const layer = nn.graphConvolution("conv", 1, 1, { bias: false });
    const x = constant([1, 5], [2, 1]);
    // one edge, from node 1 to node 0
    const [from, to] = [constant([1], [1], "int32"), constant([0], [1], "int32")];
    const graph = { features: x, from, to, weights: constant([2], [1]) };
    const y = layer.apply({ "conv.weight": constant([3], [1, 1]) }, x, { graph });
    same(evaluate(y).data, [30, 0]);
  });

  it("zeros (engine/src/nn/initializers.ts)", async () => {
    same(nn.zeros, { kind: "zeros" });
  });

  it("ones (engine/src/nn/initializers.ts)", async () => {
    same(nn.ones, { kind: "ones" });
  });

  it("normal (engine/src/nn/initializers.ts)", async () => {
    same(nn.normal(0.02), { kind: "normal", deviation: 0.02 });
  });

  it("uniform (engine/src/nn/initializers.ts)", async () => {
    same(nn.uniform(0.1), { kind: "uniform", limit: 0.1 });
  });

  it("glorotUniform (engine/src/nn/initializers.ts)", async () => {
    same(nn.glorotUniform(3, 3), { kind: "uniform", limit: 1 });
  });

  it("kaimingUniform (engine/src/nn/initializers.ts)", async () => {
    same(nn.kaimingUniform(4), { kind: "uniform", limit: 0.5 });
  });

  it("heUniform (engine/src/nn/initializers.ts)", async () => {
    same(nn.heUniform(6), { kind: "uniform", limit: 1 });
  });

  it("torchInitialization (engine/src/nn/initializers.ts)", async () => {
    same(nn.torchInitialization.weight(4, 2), { kind: "uniform", limit: 0.5 });
  });

  it("glorotInitialization (engine/src/nn/initializers.ts)", async () => {
    same(nn.glorotInitialization.bias(4), { kind: "zeros" });
  });

  it("normalInitialization (engine/src/nn/initializers.ts)", async () => {
    same(nn.normalInitialization.weight(4, 2), { kind: "normal", deviation: 0.02 });
  });

  it("inputsBeside (engine/src/nn/inputs-beside.ts)", async () => {
    const weight = constant([1, 2], [2, 1]);
    const outputs = mul(matmul(constant([3, 4], [1, 2]), weight), 10);
    same(inputsBeside(outputs, weight).map((x) => evaluate(x).data), [[3, 4]]);
  });

  it("layerInput (engine/src/nn/inputs-beside.ts)", async () => {
    const outputs = matmul(constant([3, 4], [1, 2]), constant([1, 2], [2, 1]));
    same(evaluate(layerInput(outputs)!).data, [3, 4]);
  });

  it("lowRankSum (engine/src/nn/low-rank.ts)", async () => {
    const weight = constant([1, 0, 0, 1], [2, 2]);
    const sum = nn.lowRankSum({ weight, a: constant([1, 2], [2, 1]), b: constant([3, 4], [1, 2]) });
    same(evaluate(sum).data, [4, 4, 6, 9]);
  });

  it("stateless (engine/src/nn/module.ts)", async () => {
    const double = nn.stateless((x) => mul(x, 2));
    same(evaluate(double.apply({}, constant([1], [1]))).data, [2]);
  });

  it("parameter (engine/src/nn/module.ts)", async () => {
    same(nn.parameter("output", "weight", [2, 3], "matrix", nn.zeros).name, "output.weight");
  });

  it("layerNorm (engine/src/nn/normalization.ts)", async () => {
    same(nn.layerNorm("norm", 8).parameters.map(({ name }) => name), ["norm.gamma", "norm.beta"]);
  });

  it("groupNorm (engine/src/nn/normalization.ts)", async () => {
    same(nn.groupNorm("norm", 8, 2).parameters.map(({ name }) => name), ["norm.gamma", "norm.beta"]);
  });

  it("countParameters (engine/src/nn/parameters.ts)", async () => {
    same(nn.countParameters(nn.dense("output", 4, 2).parameters), 10);
  });

  it("parameterTypes (engine/src/nn/parameters.ts)", async () => {
    same(nn.parameterTypes(nn.dense("output", 2, 3).parameters)["output.weight"], { dtype: "float", shape: [2, 3] });
  });

  it("drawParameters (engine/src/nn/parameters.ts)", async () => {
    const values = nn.drawParameters(nn.dense("output", 2, 3).parameters, Math.random);
    same(Object.keys(values), ["output.weight", "output.bias"]);
  });

  it("multiHeadAttention (engine/src/nn/transformer.ts)", async () => {
    const layer = nn.multiHeadAttention("attention", 8, 2);
    same(nn.countParameters(layer.parameters), 288);
  });

  it("transformerBlock (engine/src/nn/transformer.ts)", async () => {
    const block = nn.transformerBlock("block", { width: 8, heads: 2, hidden: 16 });
    same(nn.countParameters(block.parameters), 600);
  });

  it("MessageWriter (engine/src/onnx/protobuf.ts)", async () => {
    same(new MessageWriter().varint(1, 150).text(2, "hi").finish(), [8, 150, 1, 18, 2, 104, 105]);
  });

  it("tanh (engine/src/ops/activations.ts)", async () => {
    same(evaluate(tanh(constant([0, 1], [2]))).data, [0, 0.76159]);
  });

  it("sigmoid (engine/src/ops/activations.ts)", async () => {
    same(evaluate(sigmoid(constant([0, 2], [2]))).data, [0.5, 0.8808]);
  });

  it("erf (engine/src/ops/activations.ts)", async () => {
    same(evaluate(erf(constant([0, 1], [2]))).data, [0, 0.8427]);
  });

  it("relu (engine/src/ops/activations.ts)", async () => {
    same(evaluate(relu(constant([-1, 2], [2]))).data, [0, 2]);
  });

  it("silu (engine/src/ops/activations.ts)", async () => {
    same(evaluate(silu(constant([-1, 2], [2]))).data, [-0.26894, 1.7616]);
  });

  it("gelu (engine/src/ops/activations.ts)", async () => {
    same(evaluate(gelu(constant([-1, 2], [2]))).data, [-0.15866, 1.9545]);
  });

  it("activationOperators (engine/src/ops/activations.ts)", async () => {
    same(activationOperators.map(({ name }) => name).includes("relu"), true);
  });

  it("acos (engine/src/ops/arccosine.ts)", async () => {
    same(evaluate(acos(constant([1, 0], [2]))).data, [0, 1.5708]);
  });

  it("arccosineOperators (engine/src/ops/arccosine.ts)", async () => {
    same(arccosineOperators.map(({ name }) => name), ["acos"]);
  });

  it("attention (engine/src/ops/attention.ts)", async () => {
    const q = constant([1, 0, 0, 1], [1, 2, 2]); // [batch, positions, width]
    const y = attention(q, q, q, { causal: true });
    same(evaluate(y).data, [1, 0, 0.33024, 0.66976]);
  });

  it("batchNorm (engine/src/ops/batch-normalization.ts)", async () => {
    const x = constant([1, 3, 100], [3, 1]); // the last row is padding
    const { y, mean } = batchNorm(x, constant([0.5, 0.5, 0], [3]), constant([1], [1]), constant([0], [1]), 0);
    same(evaluate(y).data.slice(0, 2), [-1, 1]);
    same(evaluate(mean).data, [2]);
  });

  it("normalizeBy (engine/src/ops/batch-normalization.ts)", async () => {
    const of = (value: number) => constant([value], [1]);
    const y = normalizeBy(constant([5, 9], [2, 1]), { mean: of(1), variance: of(4) }, of(1), of(0), 0);
    same(evaluate(y).data, [2, 4]);
  });

  it("broadcastTo (engine/src/ops/broadcast.ts)", async () => {
    same(evaluate(broadcastTo(constant([1, 2], [2]), [2, 2])).data, [1, 2, 1, 2]);
  });

  it("sum (engine/src/ops/broadcast.ts)", async () => {
    const x = constant([1, 2, 3, 4], [2, 2]);
    same(evaluate(sum(x)).data, [10]);
    same(evaluate(sum(x, [0], true)).shape, [1, 2]);
  });

  it("sumTo (engine/src/ops/broadcast.ts)", async () => {
    same(evaluate(sumTo(constant([1, 2, 3, 4], [2, 2]), [2])).data, [4, 6]);
  });

  it("equal (engine/src/ops/comparison.ts)", async () => {
    same(evaluate(equal(constant([1, 2], [2]), 2)).data, [0, 1]);
  });

  it("greater (engine/src/ops/comparison.ts)", async () => {
    same(evaluate(greater(constant([1, 3], [2]), 2)).data, [0, 1]);
  });

  it("greaterEqual (engine/src/ops/comparison.ts)", async () => {
    same(evaluate(greaterEqual(constant([1, 2], [2]), 2)).data, [0, 1]);
  });

  it("less (engine/src/ops/comparison.ts)", async () => {
    same(evaluate(less(constant([1, 3], [2]), 2)).data, [1, 0]);
  });

  it("lessEqual (engine/src/ops/comparison.ts)", async () => {
    same(evaluate(lessEqual(constant([2, 3], [2]), 2)).data, [1, 0]);
  });

  it("logicalAnd (engine/src/ops/comparison.ts)", async () => {
    const x = constant([1, 2, 3], [3]);
    same(evaluate(logicalAnd(greater(x, 1), less(x, 3))).data, [0, 1, 0]);
  });

  it("logicalNot (engine/src/ops/comparison.ts)", async () => {
    same(evaluate(logicalNot(greater(constant([1, 3], [2]), 2))).data, [1, 0]);
  });

  it("comparisonOperators (engine/src/ops/comparison.ts)", async () => {
    same(comparisonOperators.map(({ name }) => name).includes("less"), true);
  });

  it("scan (engine/src/ops/control.ts)", async () => {
    const start = { total: constant(0, []) };
    const { carry, outputs } = scan(
      ({ total }, { x }) => ({ carry: { total: add(total, x) }, output: { seen: total } }),
      start,
      { x: constant([1, 2, 3], [3]) },
    );
    same(evaluate(carry.total).data, [6]);
    same(evaluate(outputs.seen).data, [0, 1, 3]);
  });

  it("cond (engine/src/ops/control.ts)", async () => {
    const x = constant(3, []);
    const y = cond(greater(x, 2), () => mul(x, 10), () => x);
    same(evaluate(y).data, [30]);
  });

  it("conv2d (engine/src/ops/convolution.ts)", async () => {
    const image = constant([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
    const kernel = constant([1, 0, 0, 1], [1, 1, 2, 2]);
    same(evaluate(conv2d(image, kernel)).data, [6, 8, 12, 14]);
  });

  it("conv2dInputGradient (engine/src/ops/convolution.ts)", async () => {
    const kernel = constant([1, 0, 0, 1], [1, 1, 2, 2]);
    const cotangent = constant([1, 0, 0, 0], [1, 1, 2, 2]);
    same(evaluate(conv2dInputGradient(cotangent, kernel, [3, 3])).data, [1, 0, 0, 0, 1, 0, 0, 0, 0]);
  });

  it("conv2dWeightGradient (engine/src/ops/convolution.ts)", async () => {
    const image = constant([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
    const cotangent = constant([1, 0, 0, 0], [1, 1, 2, 2]);
    same(evaluate(conv2dWeightGradient(image, cotangent, [2, 2])).data, [1, 2, 4, 5]);
  });

  it("add (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(add(constant([1, 2], [2]), 3)).data, [4, 5]);
  });

  it("sub (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(sub(constant([1, 2], [2]), constant([3, 5], [2]))).data, [-2, -3]);
  });

  it("mul (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(mul(constant([1, 2], [2]), 3)).data, [3, 6]);
  });

  it("div (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(div(constant([1, 2], [2]), 4)).data, [0.25, 0.5]);
  });

  it("pow (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(pow(constant([1, 2, 3], [3]), 2)).data, [1, 4, 9]);
  });

  it("neg (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(neg(constant([1, -2], [2]))).data, [-1, 2]);
  });

  it("abs (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(abs(constant([1, -2], [2]))).data, [1, 2]);
  });

  it("sign (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(sign(constant([3, -2, 0], [3]))).data, [1, -1, 0]);
  });

  it("exp (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(exp(constant([0, 1], [2]))).data, [1, 2.7183]);
  });

  it("log (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(log(constant([1, Math.E], [2]))).data, [0, 1]);
  });

  it("sqrt (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(sqrt(constant([4, 9], [2]))).data, [2, 3]);
  });

  it("rsqrt (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(rsqrt(constant([4, 16], [2]))).data, [0.5, 0.25]);
  });

  it("square (engine/src/ops/elementwise.ts)", async () => {
    same(evaluate(square(constant([2, -3], [2]))).data, [4, 9]);
  });

  it("elementwiseOperators (engine/src/ops/elementwise.ts)", async () => {
    same(elementwiseOperators.map(({ name }) => name).includes("add"), true);
  });

  it("erfValue (engine/src/ops/erf.ts)", async () => {
    same(erfValue(1), 0.8427);
  });

  it("erfcxValue (engine/src/ops/erf.ts)", async () => {
    same(erfcxValue(1), 0.42758);
  });

  it("identity (engine/src/ops/identity.ts)", async () => {
    same(evaluate(identity(constant([1, 2], [2]))).data, [1, 2]);
  });

  it("stopGradient (engine/src/ops/identity.ts)", async () => {
    const x = constant([3], []);
    same(evaluate(gradients(mul(x, stopGradient(x)), { x }).x).data, [3]);
  });

  it("checkIndex (engine/src/ops/indexing.ts)", async () => {
    same(checkIndex("gather", 2, 3), 2);
  });

  it("gather (engine/src/ops/indexing.ts)", async () => {
    const rows = constant([1, 2, 3, 4], [2, 2]);
    same(evaluate(gather(rows, constant([1, 1], [2], "int32"))).data, [3, 4, 3, 4]);
  });

  it("scatterAdd (engine/src/ops/indexing.ts)", async () => {
    const indices = constant([0, 0, 2], [3], "int32");
    same(evaluate(scatterAdd(indices, constant([1, 2, 5], [3]), 3)).data, [3, 0, 5]);
  });

  it("oneHot (engine/src/ops/indexing.ts)", async () => {
    same(evaluate(oneHot(constant([2, 0], [2], "int32"), 3)).data, [0, 0, 1, 1, 0, 0]);
  });

  it("gatherLast (engine/src/ops/indexing.ts)", async () => {
    const x = constant([1, 2, 3, 4], [2, 2]);
    same(evaluate(gatherLast(x, constant([1, 0], [2], "int32"))).data, [2, 3]);
  });

  it("indexingOperators (engine/src/ops/indexing.ts)", async () => {
    same(indexingOperators.map(({ name }) => name).includes("gather"), true);
  });

  it("matmul (engine/src/ops/matmul.ts)", async () => {
    const a = constant([1, 2, 3, 4], [2, 2]);
    const b = constant([1, 0, 0, 2], [2, 2]);
    same(evaluate(matmul(a, b)).data, [1, 4, 3, 8]);
    same(evaluate(matmul(a, b, { transposeA: true })).data, [1, 6, 2, 8]);
  });

  it("linear (engine/src/ops/matmul.ts)", async () => {
    const x = constant([1, 2], [1, 2]);
    const weight = constant([1, 0, 1, 0, 1, 1], [2, 3]);
    same(evaluate(linear(x, weight, constant([0, 0, 10], [3]))).data, [1, 2, 13]);
  });

  it("standardize (engine/src/ops/normalization.ts)", async () => {
    same(evaluate(standardize(constant([1, 3], [1, 2]), 1)).data, [-1, 1]);
  });

  it("layerNorm (engine/src/ops/normalization.ts)", async () => {
    const x = constant([1, 3], [1, 2]);
    same(evaluate(layerNorm(x, constant([1, 1], [2]), constant([0, 5], [2]))).data, [-1, 6]);
  });

  it("groupNorm (engine/src/ops/normalization.ts)", async () => {
    const x = constant([1, 3, 10, 30], [1, 4, 1, 1]); // 4 channels in 2 groups
    const y = groupNorm(x, 2, constant([1, 1, 1, 1], [4]), constant([0, 0, 0, 0], [4]));
    same(evaluate(y).data, [-1, 1, -1, 1]);
  });

  it("slice (engine/src/ops/pieces.ts)", async () => {
    same(evaluate(slice(constant([1, 2, 3, 4], [2, 2]), [0, 1], [2, 2])).data, [2, 4]);
  });

  it("pad (engine/src/ops/pieces.ts)", async () => {
    same(evaluate(pad(constant([1, 2], [2]), [1], [2])).data, [0, 1, 2, 0, 0]);
  });

  it("concat (engine/src/ops/pieces.ts)", async () => {
    same(evaluate(concat([constant([1, 2], [2]), constant([3], [1])], 0)).data, [1, 2, 3]);
  });

  it("pieceOperators (engine/src/ops/pieces.ts)", async () => {
    same(pieceOperators.map(({ name }) => name).includes("concat"), true);
  });

  it("maxPool2d (engine/src/ops/pooling.ts)", async () => {
    const image = constant([1, 2, 3, 4], [1, 1, 2, 2]);
    same(evaluate(maxPool2d(image, { size: 2 })).data, [4]);
  });

  it("avgPool2d (engine/src/ops/pooling.ts)", async () => {
    const image = constant([1, 2, 3, 4], [1, 1, 2, 2]);
    same(evaluate(avgPool2d(image, { size: 2 })).data, [2.5]);
  });

  it("mean (engine/src/ops/reductions.ts)", async () => {
    const x = constant([1, 2, 3, 6], [2, 2]);
    same(evaluate(mean(x)).data, [3]);
    same(evaluate(mean(x, [0])).data, [2, 4]);
  });

  it("max (engine/src/ops/reductions.ts)", async () => {
    same(evaluate(max(constant([1, 5, 3, 2], [2, 2]), [1])).data, [5, 3]);
  });

  it("argmax (engine/src/ops/reductions.ts)", async () => {
    same(evaluate(argmax(constant([1, 5, 3, 2], [2, 2]), 1)).data, [1, 0]);
  });

  it("countOf (engine/src/ops/reductions.ts)", async () => {
    same(evaluate(countOf(constant([1, 5, 3, 2, 4, 6], [2, 3]), [1])).data, [3]);
  });

  it("globalNorm (engine/src/ops/reductions.ts)", async () => {
    const tree = { weight: constant([3, 0], [2]), bias: constant([4], [1]) };
    same(evaluate(globalNorm(tree)).data, [5]);
  });

  it("reductionOperators (engine/src/ops/reductions.ts)", async () => {
    same(reductionOperators.map(({ name }) => name).includes("mean"), true);
  });

  it("maximum (engine/src/ops/selection.ts)", async () => {
    same(evaluate(maximum(constant([1, 3], [2]), 2)).data, [2, 3]);
  });

  it("minimum (engine/src/ops/selection.ts)", async () => {
    same(evaluate(minimum(constant([1, 3], [2]), 2)).data, [1, 2]);
  });

  it("clip (engine/src/ops/selection.ts)", async () => {
    same(evaluate(clip(constant([-2, 0.5, 7], [3]), 0, 1)).data, [0, 0.5, 1]);
  });

  it("where (engine/src/ops/selection.ts)", async () => {
    const x = constant([-1, 2], [2]);
    same(evaluate(where(greater(x, 0), x, 0)).data, [0, 2]);
  });

  it("cast (engine/src/ops/selection.ts)", async () => {
    same(evaluate(cast(constant([1.7, -1.7], [2]), "int32")).data, [1, -1]);
  });

  it("reshape (engine/src/ops/shape.ts)", async () => {
    same(evaluate(reshape(constant([1, 2, 3, 4], [4]), [2, 2])).shape, [2, 2]);
  });

  it("transpose (engine/src/ops/shape.ts)", async () => {
    same(evaluate(transpose(constant([1, 2, 3, 4], [2, 2]), [1, 0])).data, [1, 3, 2, 4]);
  });

  it("expandDims (engine/src/ops/shape.ts)", async () => {
    same(evaluate(expandDims(constant([1, 2], [2]), 0)).shape, [1, 2]);
  });

  it("squeeze (engine/src/ops/shape.ts)", async () => {
    same(evaluate(squeeze(constant([1, 2], [1, 2]), 0)).shape, [2]);
  });

  it("flatten (engine/src/ops/shape.ts)", async () => {
    same(evaluate(flatten(constant([1, 2, 3, 4], [1, 2, 2]))).shape, [1, 4]);
  });

  it("shapeOperators (engine/src/ops/shape.ts)", async () => {
    same(shapeOperators.map(({ name }) => name).includes("reshape"), true);
  });

  it("softmax (engine/src/ops/softmax.ts)", async () => {
    same(evaluate(softmax(constant([0, Math.log(3)], [1, 2]))).data, [0.25, 0.75]);
  });

  it("logSoftmax (engine/src/ops/softmax.ts)", async () => {
    same(evaluate(logSoftmax(constant([0, Math.log(3)], [1, 2]))).data, [-1.3863, -0.28768]);
  });

  it("softmaxCrossEntropy (engine/src/ops/softmax.ts)", async () => {
    const logits = constant([0, Math.log(3), 5, 5], [2, 2]);
    const labels = constant([1, 0], [2], "int32");
    same(evaluate(softmaxCrossEntropy(logits, labels)).data, [0.28768, 0.69315]);
  });

  it("ranks (engine/src/ops/sorting.ts)", async () => {
    same(evaluate(ranks(constant([3, 1, 2]))).data, [2, 0, 1]);
  });

  it("adam (engine/src/optimizers/adam.ts)", async () => {
    const optimizer = adam();
    const p = { w: constant([1], [1]) };
    const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, { learningRate: 0.1 });
    same(evaluate(next.parameters.w).data, [0.9]);
  });

  it("adamw (engine/src/optimizers/adamw.ts)", async () => {
    const optimizer = adamw({ weightDecay: 0.1 });
    const p = { w: constant([1], [1]) };
    const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, { learningRate: 0.1 });
    same(evaluate(next.parameters.w).data, [0.89]);
  });

  it("clipByGlobalNorm (engine/src/optimizers/clip.ts)", async () => {
    const clipped = clipByGlobalNorm({ w: constant([3, 4], [2]) }, 1);
    same(evaluate(clipped.w).data, [0.6, 0.8]);
  });

  it("hessianProduct (engine/src/optimizers/curvature.ts)", async () => {
    const gradientOf = ({ w }: { w: Tensor }) => ({ w: mul(w, constant([2, 8], [2])) });
    const product = hessianProduct(gradientOf, { w: constant([1, 1], [2]) }, { w: constant([1, 3], [2]) });
    same(evaluate(product.w).data, [2, 24]);
  });

  it("hutchinson (engine/src/optimizers/curvature.ts)", async () => {
    const gradientOf = ({ w }: { w: Tensor }) => ({ w: mul(w, constant([2, 8], [2])) });
    const diagonal = hutchinson(gradientOf, { w: constant([1, 1], [2]) }, { w: constant([1, -1], [2]) });
    same(evaluate(diagonal.w).data, [2, 8]);
  });

  it("gaussNewtonBartlett (engine/src/optimizers/curvature.ts)", async () => {
    same(evaluate(gaussNewtonBartlett({ w: constant([1, 3], [2]) }, 10).w).data, [10, 90]);
  });

  it("muon (engine/src/optimizers/muon.ts)", async () => {
    const optimizer = muon();
    const p = { w: constant([1, 0, 0, 1], [2, 2]) };
    const g = { w: constant([2, 0, 0, 1], [2, 2]) };
    const next = takeStep(optimizer, g, optimizer.init(p), p, { learningRate: 0.1 });
    same(next.parameters.w.shape, [2, 2]);
  });

  it("newtonSchulz (engine/src/optimizers/newton-schulz.ts)", async () => {
    const x = newtonSchulz(constant([2, 0, 0, 1], [2, 2]));
    same(x.shape, [2, 2]);
  });

  it("takeStep (engine/src/optimizers/optimizer.ts)", async () => {
    const p = { w: constant([1, 2], [2]) };
    const next = takeStep(sgd(), { w: constant([10, 10], [2]) }, sgd().init(p), p, { learningRate: 0.1 });
    same(evaluate(next.parameters.w).data, [0, 1]);
  });

  it("zerosLike (engine/src/optimizers/optimizer.ts)", async () => {
    same(evaluate(zerosLike({ w: constant([1, 2], [2]) }).w).data, [0, 0]);
  });

  it("combineTrees (engine/src/optimizers/optimizer.ts)", async () => {
    const [a, b] = [{ w: constant([1], [1]) }, { w: constant([2], [1]) }];
    same(evaluate(combineTrees("sum", (_path, x, y) => add(x, y), a, b).w).data, [3]);
  });

  it("sgd (engine/src/optimizers/sgd.ts)", async () => {
    const optimizer = sgd({ momentum: 0.9 });
    const p = { w: constant([1], [1]) };
    const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, { learningRate: 0.1 });
    same(evaluate(next.parameters.w).data, [0.8]);
  });

  it("shampoo (engine/src/optimizers/shampoo.ts)", async () => {
    const { parameters } = await descend(
      shampoo(),
      { w: host("float", [2, 2], [1, 0, 0, 1]) },
      { w: host("float", [1, 2, 2], [1, 0, 0, 1]) },
    );
    same(parameters["w"]!.shape, [1, 2, 2]);
  });

  it("soap (engine/src/optimizers/soap.ts)", async () => {
    const { parameters } = await descend(
      soap(),
      { w: host("float", [2, 2], [1, 0, 0, 1]) },
      { w: host("float", [1, 2, 2], [1, 0, 0, 1]) },
    );
    same(parameters["w"]!.shape, [1, 2, 2]);
  });

  it("sophia (engine/src/optimizers/sophia.ts)", async () => {
    const optimizer = sophia();
    const p = { w: constant([1], [1]) };
    const context = { learningRate: 0.1, curvature: () => ({ w: constant([4], [1]) }) };
    const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, context);
    same(next.parameters.w.shape, [1]);
  });

  it("countFlops (engine/src/program/count-flops.ts)", async () => {
    const type = { dtype: "float", shape: ["N", 10] } as const;
    const graph = trace(({ x }) => ({ y: matmul(x, transpose(x, [1, 0])) }), { x: type });
    const program = compileProgram("gram", graph);
    same(countFlops(program, { symbols: { N: 3 } }), 180);
  });

  it("encodeModel (engine/src/program/encode.ts)", async () => {
    const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: ["N"] } });
    same(encodeModel(graph, "double").length > 50, true);
  });

  it("withPrefix (engine/src/program/host-kernels.ts)", async () => {
    const call = { kernel: "eigenbasis", inputs: ["gram"], outputs: ["basis"], options: {} } as const;
    const schedule = { first: 0, every: 10, ahead: false, initial: [call], later: [call] };
    same(withPrefix("optimizer", schedule)!.initial[0]!.outputs, ["optimizer/basis"]);
  });

  it("compileLoop (engine/src/program/loop.ts)", async () => {
    const program = compileLoop(
      "total",
      {
        begin: () => ({ total: constant(0, []) }),
        step: (carry, slice) => {
          const { total } = carry as { total: Tensor };
          return { carry: { total: add(total, (slice as { x: Tensor }).x) }, output: {} };
        },
        end: (carry) => carry,
      },
      { steps: { x: { dtype: "float", shape: ["K"] } } },
      "steps",
    );
    const loaded = await loadProgram(interpreter(), program);
    const x = { dtype: "float", shape: [3], data: Float64Array.of(1, 2, 3) } as const;
    same((await loaded.run({ "steps/x": x }))["total"]!.data, [6]);
  });

  it("compileProgram (engine/src/program/program.ts)", async () => {
    const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: ["N"] } });
    const program = compileProgram("double", graph);
    same(program.inputs, [{ name: "x", dtype: "float", shape: ["N"] }]);
    same(program.hash === compileProgram("double", graph).hash, true);
  });

  it("checkGradients (engine/src/testing/check.ts)", async () => {
    // throws where a derivative differs from finite differences
    checkGradients("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
  });

  it("checkExecutor (engine/src/testing/check.ts)", async () => {
    // throws where ONNX Runtime and the interpreter differ
    await checkExecutor("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
  });

  it("descend (engine/src/testing/descend.ts)", async () => {
    const start = { w: host("float", [1], [1]) };
    const { parameters } = await descend(sgd(), start, { w: host("float", [2, 1], [1, 2]) });
    same(parameters["w"]!.data, [0.9, 0.7]);
  });

  it("sample (engine/src/testing/samples.ts)", async () => {
    same(sample([2, 3]).data.length, 6);
  });

  it("host (engine/src/testing/samples.ts)", async () => {
    same(host("float", [2], [1, 2]).data, [1, 2]);
  });

  it("tally (engine/src/testing/tally.ts)", async () => {
    checkGradients("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
    same(tally().map(({ kind }) => kind).includes("first derivative"), true);
  });

  it("formatTally (engine/src/testing/tally.ts)", async () => {
    checkGradients("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
    same(formatTally().includes("first derivative"), true);
  });
});
