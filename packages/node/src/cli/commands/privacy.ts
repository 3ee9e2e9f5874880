import { calibrateNoise, calibrateRounds, createAccountant } from "@anabranch/core";
import { type Command, Option } from "commander";
import { listensTo, readCall } from "../globals.ts";
import { withExamples } from "../help.ts";
import { finiteNumber, positiveCount } from "../parse.ts";
import { privacyDocument, privacyText } from "../privacy-answer.ts";
import { planOf, type RoundOptions } from "../privacy-plan.ts";

interface Options extends RoundOptions {
  readonly delta: number;
  readonly accountant: string;
}

export function addPrivacy(program: Command): void {
  const group = program
    .command("privacy")
    .description("Compute privacy guarantees: epsilon of a plan, noise for a target, rounds for a budget.");
  listensTo(group);
  withExamples(
    group,
    ["anabranch privacy epsilon --noise-multiplier 1 --sampling-rate 0.1 --rounds 300 --delta 1e-5", "what it costs"],
    ["anabranch privacy noise --help", "the options of one of the commands"],
  );
  addEpsilon(group);
  addNoise(group);
  addRounds(group);
}

function addEpsilon(group: Command): void {
  const command = group
    .command("epsilon")
    .description("The epsilon of a number of rounds with Gaussian noise.")
    .addOption(noiseMultiplier())
    .addOption(rounds())
    .action((options: Options & { noiseMultiplier: number; rounds: number }, self: Command) => {
      const { output } = readCall(self);
      const plan = planOf(options);
      const events = plan.events(options.noiseMultiplier, options.rounds);
      const statement = createAccountant(options.accountant).epsilon(events, options.delta, plan.context);
      const answer = { statement, plan, noiseMultiplier: options.noiseMultiplier, rounds: options.rounds };
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
    ["... --accountant pld", "a closer value, with its bracket"],
  );
}

function addNoise(group: Command): void {
  const command = group
    .command("noise")
    .description("The smallest noise multiplier that keeps a number of rounds within a target.")
    .addOption(targetEpsilon())
    .addOption(rounds())
    .action((options: Options & { targetEpsilon: number; rounds: number }, self: Command) => {
      const { output } = readCall(self);
      const plan = planOf(options);
      const { noiseMultiplier, statement } = calibrateNoise(targetOf(options, plan.context), (noise) =>
        plan.events(noise, options.rounds),
      );
      const answer = { statement, plan, noiseMultiplier, rounds: options.rounds };
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
    .description("The most rounds that stay within a target.")
    .addOption(targetEpsilon())
    .addOption(noiseMultiplier())
    .action((options: Options & { targetEpsilon: number; noiseMultiplier: number }, self: Command) => {
      const { output } = readCall(self);
      const plan = planOf(options);
      const found = calibrateRounds(targetOf(options, plan.context), (count) =>
        plan.events(options.noiseMultiplier, count),
      );
      const answer = { ...found, plan, noiseMultiplier: options.noiseMultiplier };
      if (output.json) return output.document(privacyDocument(answer));
      output.print(...privacyText(answer, "rounds", output));
    });
  withCommon(command);
  withExamples(command, [
    "anabranch privacy rounds --target-epsilon 8 --noise-multiplier 1 --sampling-rate 0.1 --delta 1e-5",
    "how long a budget lasts",
  ]);
}

function targetOf(options: Options & { targetEpsilon: number }, context: { readonly population?: number }) {
  const { targetEpsilon: epsilon, delta, accountant } = options;
  return { accountant: createAccountant(accountant), targetEpsilon: epsilon, delta, context };
}

function noiseMultiplier(): Option {
  return new Option("--noise-multiplier <number>", "standard deviation of the noise on the sum, over the clip norm")
    .argParser(finiteNumber)
    .makeOptionMandatory();
}

function rounds(): Option {
  return new Option("--rounds <n>", "rounds, with noise in each").argParser(positiveCount).makeOptionMandatory();
}

function targetEpsilon(): Option {
  return new Option("--target-epsilon <number>", "the epsilon to stay within")
    .argParser(finiteNumber)
    .makeOptionMandatory();
}

/** Options of all three. */
function withCommon(command: Command): void {
  const delta = new Option("--delta <number>", "probability that epsilon does not hold: below 1/population");
  const sampling = new Option("--sampling <kind>", "how cohorts are drawn").choices(["poisson", "fixed-size"]);
  const protects = new Option("--protects <unit>", "whom noise protects").choices(["clients", "records"]);
  const noise = new Option("--noise <place>", "who adds it").choices(["central", "distributed", "local"]);
  const accountant = new Option("--accountant <name>", "rdp: quick upper bound; pld: bracketed; gaussian: exact");
  command
    .addOption(delta.argParser(finiteNumber).makeOptionMandatory())
    .addOption(new Option("--sampling-rate <number>", "cohort over population; 1: all").argParser(finiteNumber))
    .addOption(new Option("--population <n>", "clients (or records) of the federation").argParser(positiveCount))
    .addOption(
      new Option("--cohort <n>", "clients a round (with Poisson sampling: on average)").argParser(positiveCount),
    )
    .addOption(sampling.default("poisson"))
    .addOption(protects.default("clients"))
    .addOption(noise.default("central"))
    .addOption(accountant.default("rdp"));
  listensTo(command);
}
