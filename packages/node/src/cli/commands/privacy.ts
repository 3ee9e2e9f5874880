import { calibrateNoise, calibrateRounds, createAccountant } from "@anabranch/core";
import { type Command, Option } from "commander";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { finiteNumber, positiveCount } from "../parse.ts";
import { privacyDocument, privacyText } from "../privacy-answer.ts";
import { privacySpec, type RoundOptions, samplings } from "../privacy-spec.ts";

interface Options extends RoundOptions {
  readonly delta: number;
  readonly accountant: string;
}

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
}

function addEpsilon(group: Command): void {
  const command = group
    .command("epsilon")
    .description("Compute the epsilon of a number of rounds with Gaussian noise.")
    .addOption(noiseMultiplier())
    .addOption(rounds())
    .action((options: Options & { noiseMultiplier: number; rounds: number }, self: Command) => {
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
    .action((options: Options & { targetEpsilon: number; rounds: number }, self: Command) => {
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
    .action((options: Options & { targetEpsilon: number; noiseMultiplier: number }, self: Command) => {
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

function targetOf(options: Options & { targetEpsilon: number }, context: { readonly population?: number }) {
  const { targetEpsilon: epsilon, delta, accountant } = options;
  return { accountant: createAccountant(accountant), targetEpsilon: epsilon, delta, context };
}

function noiseMultiplier(): Option {
  return new Option(
    "--noise-multiplier <number>",
    "standard deviation of the noise on the sum, divided by the clip norm",
  )
    .argParser(finiteNumber)
    .makeOptionMandatory();
}

function rounds(): Option {
  return new Option("--rounds <n>", "number of rounds; each adds noise").argParser(positiveCount).makeOptionMandatory();
}

function targetEpsilon(): Option {
  return new Option("--target-epsilon <number>", "largest epsilon allowed")
    .argParser(finiteNumber)
    .makeOptionMandatory();
}

/** Options of all three. */
function withCommon(command: Command): void {
  const delta = new Option("--delta <number>", "delta of the guarantee; should be below 1/population");
  const sampling = new Option("--sampling <kind>", "how cohorts are drawn").choices(samplings);
  const protects = new Option("--protects <unit>", "the unit of privacy").choices(["clients", "records"]);
  const noise = new Option("--noise <place>", "who adds the noise").choices(["central", "distributed", "local"]);
  const accountant = new Option(
    "--accountant <name>",
    "rdp: fast upper bound; pld: tight, with a lower bound; gaussian: exact",
  );
  command
    .addOption(delta.argParser(finiteNumber).makeOptionMandatory())
    .addOption(new Option("--sampling-rate <number>", "cohort / population; 1 = all clients").argParser(finiteNumber))
    .addOption(
      new Option("--population <n>", "number of clients (or records) in the federation").argParser(positiveCount),
    )
    .addOption(
      new Option("--cohort <n>", "clients per round (expected number with poisson and random-allocation)").argParser(
        positiveCount,
      ),
    )
    .addOption(sampling.default("poisson"))
    .addOption(protects.default("clients"))
    .addOption(noise.default("central"))
    .addOption(accountant.default("rdp"));
  acceptsOptions(command);
}
