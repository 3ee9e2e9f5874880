/** A model of your own: a small network for images of 28 x 28. Use it with `[model] file = "examples/own-model.ts"`. */
import { classification, type Model } from "@anabranch/core";
import { cast, mul, nn, reshape } from "@anabranch/engine";

export default function twoLayers({ hidden = 64 }: { hidden?: number } = {}): Model {
  const network = nn.sequential(
    nn.dense("hidden", 784, hidden),
    nn.relu,
    nn.dense("output", hidden, 10, { head: true }),
  );
  return {
    name: "two-layers",
    parameters: network.parameters,
    masks: network.masks,
    features: { dtype: "uint8", shape: [1, 28, 28] },
    labels: { dtype: "uint8", shape: [] },
    ...classification(10),
    forward: (parameters, images, context) =>
      network.apply(parameters, mul(cast(reshape(images, [images.shape[0]!, 784]), "float"), 1 / 255), context),
  };
}
