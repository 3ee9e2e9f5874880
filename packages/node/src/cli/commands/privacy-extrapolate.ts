import { AnabranchError, createAccountant } from "@anabranch/core";
import { type Command, Option } from "commander";
import { formatCount } from "../../terminal/format.ts";
import { parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { countList } from "../parse.ts";
import { figure, upTo5 } from "../privacy-answer.ts";
import { noiseMultiplier, type PrivacyOptions, rounds, withCommon } from "../privacy-options.ts";
import { privacySpec } from "../privacy-spec.ts";
import { table } from "../text.ts";

interface Options extends PrivacyOptions {
  readonly noiseMultiplier: number;
  readonly rounds: number;
  readonly populationFactors: readonly number[];
  readonly cohortFactors: readonly number[];
}

/**
 * Epsilon where population and cohort are larger than in a run, with the noise on the mean update as it was: noise on the
 * sum of L clients is divided by L, so the noise multiplier grows like the cohort, or like its root where each client adds
 * noise of its own (as for speech in M. Pelikan et al., NeurIPS 2025, arXiv:2310.00098).
 */
export function addExtrapolate(group: Command): void {
  const factors = (name: string, of: string) =>
    new Option(`--${name} <list>`, `${of} in multiples of what is given, separated by commas`).argParser(countList);
  const command = group
    .command("extrapolate")
    .description("Compute epsilon for larger populations and cohorts with the same noise on the mean update.")
    .addOption(noiseMultiplier())
    .addOption(rounds())
    .addOption(factors("population-factors", "populations").default([1, 10, 100], "1,10,100"))
    .addOption(factors("cohort-factors", "cohorts").default([1, 10], "1,10"))
    .action((options: Options, self: Command) => {
      const { output } = parseInvocation(self);
      const rows = extrapolated(options);
      const { delta, accountant, sampling } = options;
      if (output.json) return output.document({ delta, accountant, sampling, rounds: options.rounds, rows });
      const columns = ["population", "cohort", "noise multiplier", `epsilon at delta ${delta}`];
      const cells = rows.map((row) => [
        formatCount(row.population),
        formatCount(row.cohort),
        upTo5(row.noiseMultiplier),
        figure(row.epsilon ?? Number.POSITIVE_INFINITY),
      ]);
      output.print(
        ...table(
          columns.map((head) => ({ head, right: true })),
          cells,
          output.width,
        ),
        "",
        "The noise on the mean update is that of the first row; accuracy at other sizes is not computed.",
      );
    });
  withCommon(command);
  withExamples(command, [
    "anabranch privacy extrapolate --noise-multiplier 0.5 --population 1000 --cohort 50 --rounds 300 --delta 1e-6",
    "what more clients would give",
  ]);
}

/** One row per population and cohort that fits into it. */
function extrapolated(options: Options) {
  const { population, cohort, delta, populationFactors, cohortFactors } = options;
  if (population === undefined || cohort === undefined) {
    throw new AnabranchError({
      code: "usage/missing-option",
      message: "extrapolation starts from a population and a cohort",
      expected: "--population and --cohort",
      advice: "See: anabranch privacy extrapolate --help",
    });
  }
  const accountant = createAccountant(options.accountant);
  return populationFactors.flatMap((larger) =>
    cohortFactors.flatMap((factor) => {
      const size = { population: population * larger, cohort: cohort * factor };
      if (size.cohort > size.population) return [];
      const spec = privacySpec({ ...options, ...size });
      // noise that every client adds in full falls in the mean as the root of their number
      const noise = options.noiseMultiplier * (options.noise === "local" ? Math.sqrt(factor) : factor);
      const { epsilon, lowerBound } = accountant.epsilon(spec.events(noise, options.rounds), delta, spec.context);
      return [
        {
          ...size,
          samplingRate: spec.samplingRate,
          noiseMultiplier: noise,
          epsilon: Number.isFinite(epsilon) ? epsilon : null,
          lowerBound: lowerBound ?? null,
        },
      ];
    }),
  );
}
