import type { Model } from "@anabranch/core";
import { argmax, cast, equal, mul, nn, softmaxCrossEntropy, sub } from "@anabranch/engine";

/** conv 5x5x6, pool, conv 5x5x16, pool, dense 120, 84, 10 on 3 x 32 x 32 images: 62,006 parameters. */
export function smallCnn(): Model {
  const network = nn.sequential(
    ...[nn.conv2d("conv1", 3, 6, 5), nn.relu, nn.maxPool(2)],
    ...[nn.conv2d("conv2", 6, 16, 5), nn.relu, nn.maxPool(2), nn.flatten],
    ...[nn.dense("fc1", 400, 120), nn.relu, nn.dense("fc2", 120, 84), nn.relu, nn.dense("fc3", 84, 10)],
  );
  return {
    name: "small-cnn",
    parameters: network.parameters,
    masks: [],
    features: { dtype: "uint8", shape: [3, 32, 32] },
    labels: { dtype: "uint8", shape: [] },
    classes: 10,
    forward: (parameters, x) => network.apply(parameters, sub(mul(cast(x, "float"), 2 / 255), 1), {}),
    losses: (outputs, labels) => softmaxCrossEntropy(outputs, cast(labels, "int32")),
    scores: (outputs, labels) => cast(equal(argmax(outputs, 1), cast(labels, "int32")), "float"),
  };
}
