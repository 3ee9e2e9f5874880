import { conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

/** Refuses a hold-out of grids whose images are in training grids, too. Throws `config/conflict`. */
export function checkQuestions({ data }: Config, locate: Locate): void {
  const { families, gridsPerImage } = data.questions;
  if (families.length === 0 || gridsPerImage === 1 || data.holdout === 0) return;
  throw conflict(
    locate(["data", "questions", "gridsPerImage"]),
    `${gridsPerImage}, with data.holdout = ${data.holdout}`,
    "1",
    "Images of the hold-out would be trained on: set data.questions.gridsPerImage = 1, or data.holdout = 0.",
  );
}
