import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { predictsClasses } from "./predictor.ts";
import type { ResolvedMethod } from "./resolve-method.ts";

/** Refuses what nodes cannot judge class by class. Throws `config/conflict`. */
export function requireJudgement(
  { data, parameters }: Config,
  { algorithm, model, layout, held }: ResolvedMethod,
): void {
  if (algorithm.gossip?.name !== "class-weighted") return;
  const named = `with algorithm.name = "${algorithm.name}"`;
  if (!predictsClasses(model)) {
    const advice = "It weighs models by how well they tell classes apart. Take a model of classes, e.g. mlp.";
    throw conflict("model.name", `"${model.name}", ${named}`, "a classifier", advice);
  }
  if (data.holdout === 0) {
    const advice = "Its nodes judge each other's models on examples that they have set aside.";
    throw conflict("data.holdout", `0, ${named}`, "more than 0, e.g. 0.2", advice);
  }
  if (held !== undefined && held.split.personal.size > 0) {
    const advice = "A node judges the models of others with its own body, which has to be that of all: freeze it.";
    throw conflict("parameters.personal", `${JSON.stringify(parameters.personal)}, ${named}`, "nothing", advice);
  }
  const strange = layout.entries.find(({ role, shape }) => role !== "head" || shape.at(-1) !== model.classes);
  if (strange === undefined) return;
  const advice = 'It trains and combines the columns of an output layer. Set [parameters] frozen = ["*", "!head"].';
  throw conflict("parameters.frozen", `"${strange.name}" travels, ${named}`, "all but the output layer", advice);
}
