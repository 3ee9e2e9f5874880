import { hidesLabels } from "../data/unlabelled.ts";
import { conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

/** Refuses hidden labels beside what reads labels, and a loss for them where none are hidden. Throws `config/conflict`. */
export function checkUnlabelled(config: Config, locate: Locate): void {
  const { data, training, taskStream, diagnostics, attack } = config;
  const refuse = (path: readonly string[], received: string, expected: string, advice: string): never => {
    throw conflict(locate([...path]), `${received}, ${shown}`, expected, advice);
  };
  const { margin, pairwise, entropy, suppressed, calibration, pseudoLabels } = training.openWorld;
  const strength = margin + pairwise + entropy + suppressed + calibration + pseudoLabels;
  if (!hidesLabels(data.unlabelled)) {
    if (strength === 0) return;
    throw conflict(
      locate(["training", "openWorld"]),
      "terms for unlabelled examples, with no labels hidden",
      "strengths of 0",
      "Set data.unlabelled, e.g. share = 0.5, or remove training.openWorld.",
    );
  }
  const shown = "with data.unlabelled";
  if (data.unlabelled.share === 1 && strength === 0)
    throw conflict(
      locate(["data", "unlabelled", "share"]),
      "1, with all strengths of training.openWorld at 0",
      "below 1",
      "There is nothing to train on: leave some labels, or set training.openWorld, e.g. entropy = 1.",
    );
  if (data.dataset === "synthetic" && data.file === undefined)
    refuse(["data", "dataset"], '"synthetic"', "a data set in memory", "Labels of synthetic clients are computed.");
  if (taskStream.kind !== "none")
    refuse(["taskStream", "kind"], `"${taskStream.kind}"`, '"none"', "Which classes a task has is read from labels.");
  if (training.curriculum.order !== "none")
    refuse(["training", "curriculum", "order"], `"${training.curriculum.order}"`, '"none"', "Losses need labels.");
  if (training.loss.adjustment !== "none" || training.loss.margin > 0 || training.loss.confusion > 0)
    refuse(["training", "loss"], "an adjusted loss", "none", "The loss is that of training.openWorld.");
  if (training.upSampling.rounds > 0)
    refuse(["training", "upSampling", "rounds"], `${training.upSampling.rounds}`, "0", "It divides labelled classes.");
  if (training.alignment.gradient > 0 || training.alignment.hessian > 0)
    refuse(["training", "alignment"], "a penalty on gradients", "none", "Its statistics are of labelled examples.");
  if (training.calibration.samples > 0)
    refuse(["training", "calibration", "samples"], `${training.calibration.samples}`, "0", "It needs classes.");
  if (diagnostics.flatness)
    refuse(["diagnostics", "flatness"], "true", "false", "It looks at losses of examples that have no label.");
  if (attack.name !== "none")
    refuse(["attack", "name"], `"${attack.name}"`, '"none"', "Attacks are made for labelled examples.");
}
