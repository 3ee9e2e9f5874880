import { AnabranchError, gather, nn } from "@anabranch/engine";
import * as z from "zod";
import { classification, type Model } from "./model.ts";
import { classLabels, dataOptions } from "./options.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { gcnOptions } from "@anabranch/core";
 * gcnOptions.parse({}).hidden; // => [128, 128]
 * ```
 */
export const gcnOptions = z.strictObject({
  ...dataOptions,
  ...classLabels,
  inputType: dataOptions.inputType.default("float"),
  input: dataOptions.input.default([16]).describe("[F], the number of features of a node"),
  hidden: z
    .array(z.int().positive())
    .min(1)
    .max(16)
    .default([128, 128])
    .describe("widths of the graph convolutions; n of them see n edges far"),
  dropout: z.number().min(0).lt(1).default(0.5).describe("rate before the classifier"),
});

/**
 * Graph convolutions H <- relu(D^-1/2 (A + I) D^-1/2 H W + b) over all nodes of a client's graph, and a linear classifier
 * on the nodes of a batch. Examples are numbers of nodes; the graph comes with the context.
 *
 * T. N. Kipf, M. Welling, "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017, arXiv:1609.02907;
 * the sizes, the dropout and the separate classifier are those of FED-PUB (J. Baek et al., ICML 2023, arXiv:2206.10206).
 *
 * @example
 * ```ts
 * import { gcn } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(gcn({ input: [64], inputType: "float", classes: 10 }).parameters); // => 26122
 * ```
 */
export function gcn(options: z.input<typeof gcnOptions> = {}): Model {
  const settings = gcnOptions.parse(options);
  const { input, inputType, labelType, classes, dropout } = settings;
  if (input.length !== 1 || inputType !== "float") throw noNodes(settings);
  const widths = [input[0]!, ...settings.hidden];
  const last = widths.at(-1)!;
  const layers = settings.hidden.flatMap((width, i) => [
    nn.graphConvolution(`conv${i + 1}`, widths[i]!, width),
    nn.relu,
  ]);
  const body = nn.sequential(...layers);
  const classifier = nn.sequential(
    nn.dropout("dropout", [last], dropout),
    nn.dense("classifier", last, classes, { head: true }),
  );
  return {
    name: "gcn",
    parameters: [...body.parameters, ...classifier.parameters],
    masks: classifier.masks,
    features: { dtype: "int32", shape: [] },
    labels: { dtype: labelType, shape: [] },
    graph: { features: input[0]! },
    ...classification(classes),
    forward(parameters, nodes, context) {
      if (context?.graph === undefined) throw noGraph();
      const hidden = body.apply(parameters, context.graph.features, context);
      return classifier.apply(parameters, gather(hidden, nodes), context);
    },
  };
}

function noNodes({ input, inputType }: z.output<typeof gcnOptions>): AnabranchError {
  return new AnabranchError({
    code: "model/input",
    message: "this model takes nodes with one row of numbers each",
    where: "model gcn",
    received: `${inputType}[${input.join(", ")}]`,
    expected: "float[F]",
    advice: "Choose a data set with a graph, such as block-graph, or another model.",
  });
}

function noGraph(): AnabranchError {
  return new AnabranchError({
    code: "model/no-graph",
    message: "this is not possible for models of nodes: it gives them no graph",
    where: "model gcn",
    expected: "the graph that the nodes are in",
    advice: "Choose a model of single examples for it, such as mlp, which takes the features of nodes as they are.",
  });
}
