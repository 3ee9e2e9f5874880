import { calibrateNoise, calibrateRounds, createAccountant } from "@anabranch/core";
import type { Command } from "commander";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { privacyDocument, privacyText } from "../privacy-answer.ts";
import { noiseMultiplier, type PrivacyOptions, rounds, targetEpsilon, withCommon } from "../privacy-options.ts";
import { privacySpec } from "../privacy-spec.ts";
import { addExtrapolate } from "./privacy-extrapolate.ts";

export function addPrivacy(program: Command): void {
  const group = program
    .command("privacy")
    .description("Compute the epsilon of a plan, the noise for a target epsilon, or the rounds within a budget.");
  acceptsOptions(group);
  withExamples(
    group,
    [
      "anabranch privacy epsilon --noise-multiplier 1 --sampling-rate 0.1 --rounds 300 --delta 1e-5",
      "the epsilon of 300 rounds",
    ],
    ["anabranch privacy noise --help", "the options of a command"],
  );
  addEpsilon(group);
  addNoise(group);
  addRounds(group);
  addExtrapolate(group);
}

function addEpsilon(group: Command): void {
  const command = group
    .command("epsilon")
    .description("Compute the epsilon of a number of rounds with Gaussian noise.")
    .addOption(noiseMultiplier())
    .addOption(rounds())
    .action((options: PrivacyOptions & { noiseMultiplier: number; rounds: number }, self: Command) => {
      const { output } = parseInvocation(self);
      const spec = privacySpec(options);
      const events = spec.events(options.noiseMultiplier, options.rounds);
      const statement = createAccountant(options.accountant).epsilon(events, options.delta, spec.context);
      const answer = { statement, spec, noiseMultiplier: options.noiseMultiplier, rounds: options.rounds };
      if (output.json) return output.document(privacyDocument(answer));
      output.print(...privacyText(answer, "epsilon", output));
    });
  withCommon(command);
  withExamples(
    command,
    [
      "anabranch privacy epsilon --noise-multiplier 1 --sampling-rate 0.1 --rounds 300 --delta 1e-5",
      "Poisson sampling",
    ],
    ["... --population 1000 --cohort 100 --sampling fixed-size", "cohorts of a fixed size"],
    ["... --accountant pld", "a tighter value, with a lower bound"],
    ["... --sampling random-allocation --accountant pld", "each client once in every 10 rounds"],
  );
}

function addNoise(group: Command): void {
  const command = group
    .command("noise")
    .description("Find the smallest noise multiplier that keeps a number of rounds within a target epsilon.")
    .addOption(targetEpsilon())
    .addOption(rounds())
    .action((options: PrivacyOptions & { targetEpsilon: number; rounds: number }, self: Command) => {
      const { output } = parseInvocation(self);
      const spec = privacySpec(options);
      const { noiseMultiplier, statement } = calibrateNoise(targetOf(options, spec.context), (noise) =>
        spec.events(noise, options.rounds),
      );
      const answer = { statement, spec, noiseMultiplier, rounds: options.rounds };
      if (output.json) return output.document(privacyDocument(answer));
      output.print(...privacyText(answer, "noise multiplier", output));
    });
  withCommon(command);
  withExamples(command, [
    "anabranch privacy noise --target-epsilon 4 --sampling-rate 0.1 --rounds 300 --delta 1e-5",
    "for a configuration",
  ]);
}

function addRounds(group: Command): void {
  const command = group
    .command("rounds")
    .description("Find the largest number of rounds within a target epsilon.")
    .addOption(targetEpsilon())
    .addOption(noiseMultiplier())
    .action((options: PrivacyOptions & { targetEpsilon: number; noiseMultiplier: number }, self: Command) => {
      const { output } = parseInvocation(self);
      const spec = privacySpec(options);
      const found = calibrateRounds(targetOf(options, spec.context), (count) =>
        spec.events(options.noiseMultiplier, count),
      );
      const answer = { ...found, spec, noiseMultiplier: options.noiseMultiplier };
      if (output.json) return output.document(privacyDocument(answer));
      output.print(...privacyText(answer, "rounds", output));
    });
  withCommon(command);
  withExamples(command, [
    "anabranch privacy rounds --target-epsilon 8 --noise-multiplier 1 --sampling-rate 0.1 --delta 1e-5",
    "how long a budget lasts",
  ]);
}

function targetOf(options: PrivacyOptions & { targetEpsilon: number }, context: { readonly population?: number }) {
  const { targetEpsilon: epsilon, delta, accountant } = options;
  return { accountant: createAccountant(accountant), targetEpsilon: epsilon, delta, context };
}
