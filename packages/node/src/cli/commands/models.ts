import { type ModelName, modelOptions, models } from "@anabranch/core";
import type { Command } from "commander";
import { formatCount } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { table, together } from "../text.ts";

/** Options that the data set decides, or that most models have: they are in --json and stay out of the table. */
const common = new Set(["input", "inputType", "labelType", "classes", "mean", "std"]);

export function addModels(program: Command): void {
  const command = program
    .command("models")
    .description("List the models with size, input and options.")
    .action((_options: unknown, self: Command) => {
      const { output } = parseInvocation(self);
      const catalog = (Object.keys(models) as ModelName[]).map(modelInfo);
      if (output.json) return output.document({ models: catalog });
      const columns = [
        { head: "model" },
        { head: "parameters", right: true },
        { head: "for input" },
        { head: "options = default" },
      ];
      const rows = catalog.map((model) => [
        output.colours.bold(model.name),
        formatCount(model.parameters),
        `[${model.input.join(", ")}], ${model.classes} ${model.classes === 1 ? "class" : "classes"}`,
        model.options
          .filter(({ name }) => !common.has(name))
          .map((option) => together(`${option.name} = ${JSON.stringify(option.default)}`))
          .join(", "),
      ]);
      output.print(
        ...table(columns, rows, output.width),
        "",
        "Input and classes follow from the data set of a run. Parameters are counted for the input shown here.",
        "Image models also take mean and std (default 0.5): pixels become (x / 255 - mean) / std.",
      );
    });
  acceptsOptions(command);
  withExamples(command, ["anabranch models --json | jq '.models[] | {name, parameters}'", "model sizes for a script"]);
}

function modelInfo(name: ModelName) {
  const model = models[name]();
  const options = Object.entries(modelOptions[name].shape).map(([option, schema]) => {
    const absent = schema.safeParse(undefined);
    return { name: option, default: absent.data ?? null, description: schema.description ?? "" };
  });
  return {
    name,
    parameters: model.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    input: model.features.shape,
    inputType: model.features.dtype,
    classes: model.classes,
    options,
  };
}
