/** A model of your own: a small network for images. Use it with `[model] file = "examples/own-model.ts"`. */
import { classification, type Model } from "@anabranch/core";
import { cast, mul, nn, reshape } from "@anabranch/engine";

/** What the data are like, as the second argument tells it. */
interface Data {
  readonly input: readonly number[];
  readonly classes: number;
}

/** Other keys of [model] are the first argument. Declared here, with defaults, a misspelt one is refused at once. */
export const options = { hidden: 64 };

export default function twoLayers({ hidden }: typeof options, { input, classes }: Data): Model {
  const size = input.reduce((a, b) => a * b, 1);
  const network = nn.sequential(
    nn.dense("hidden", size, hidden),
    nn.relu,
    nn.dense("output", hidden, classes, { head: true }),
  );
  return {
    name: "two-layers",
    parameters: network.parameters,
    masks: network.masks,
    features: { dtype: "uint8", shape: input },
    labels: { dtype: "uint8", shape: [] },
    ...classification(classes),
    forward: (parameters, images, context) =>
      network.apply(parameters, mul(cast(reshape(images, [images.shape[0]!, size]), "float"), 1 / 255), context),
  };
}
