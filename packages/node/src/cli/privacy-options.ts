import { type Command, Option } from "commander";
import { acceptsOptions } from "./globals.ts";
import { finiteNumber, positiveCount } from "./parse.ts";
import { type RoundOptions, samplings } from "./privacy-spec.ts";

/** Options that all commands of `anabranch privacy` have. */
export interface PrivacyOptions extends RoundOptions {
  readonly delta: number;
  readonly accountant: string;
}

export function noiseMultiplier(): Option {
  return new Option(
    "--noise-multiplier <number>",
    "standard deviation of the noise on the sum, divided by the clip norm",
  )
    .argParser(finiteNumber)
    .makeOptionMandatory();
}

export function rounds(): Option {
  return new Option("--rounds <n>", "number of rounds; each adds noise").argParser(positiveCount).makeOptionMandatory();
}

export function targetEpsilon(): Option {
  return new Option("--target-epsilon <number>", "largest epsilon allowed")
    .argParser(finiteNumber)
    .makeOptionMandatory();
}

/** Adds the options of all of them. */
export function withCommon(command: Command): void {
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
