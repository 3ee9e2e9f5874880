import { AnabranchError } from "@anabranch/engine";
import type * as z from "zod";
import { expectation } from "../config/expectation.ts";
import { nearest } from "../config/nearest.ts";
import type { Algorithm } from "./algorithm.ts";
import { diff2, diff2Options } from "./diff2.ts";
import { diff2BvrLSgd, diff2BvrLSgdOptions } from "./diff2-bvr-l-sgd.ts";
import { diloco, dilocoOptions } from "./diloco.ts";
import { dpFedavg, dpFedavgOptions } from "./dp-fedavg.ts";
import { dpFedavgm, dpFedavgmOptions } from "./dp-fedavgm.ts";
import { dpFedlamb, dpFedlambOptions } from "./dp-fedlamb.ts";
import { dpFedpgn, dpFedpgnOptions } from "./dp-fedpgn.ts";
import { dpFedsam, dpFedsamOptions } from "./dp-fedsam.ts";
import { fedadamw, fedadamwOptions } from "./fedadamw.ts";
import { fedamd, fedamdOptions } from "./fedamd.ts";
import { fedau, fedauOptions } from "./fedau.ts";
import { fedavg, fedavgOptions } from "./fedavg.ts";
import { fedavgm, fedavgmOptions } from "./fedavgm.ts";
import { fedbcgd, fedbcgdOptions } from "./fedbcgd.ts";
import { fedbcgdPlus, fedbcgdPlusOptions } from "./fedbcgd-plus.ts";
import { fedcm, fedcmOptions } from "./fedcm.ts";
import { fedlex, fedlexOptions } from "./fedlex.ts";
import { fedmuon, fedmuonOptions } from "./fedmuon.ts";
import { fednsam, fednsamOptions } from "./fednsam.ts";
import { fedadagrad, fedadagradOptions, fedadam, fedadamOptions, fedyogi, fedyogiOptions } from "./fedopt.ts";
import { fedpac, fedpacOptions } from "./fedpac.ts";
import { fedprox, fedproxOptions } from "./fedprox.ts";
import { fedsam, fedsamOptions } from "./fedsam.ts";
import { fedspeed, fedspeedOptions } from "./fedspeed.ts";
import { local, localOptions } from "./local.ts";
import { mofedsam, mofedsamOptions } from "./mofedsam.ts";
import { rerce, rerceOptions } from "./rerce.ts";
import { scaffold, scaffoldOptions } from "./scaffold.ts";

/** A method as configuration knows it: its factory, its options and the paper's symbols as aliases of option names. */
export interface AlgorithmEntry {
  readonly name: string;
  /** File below `algorithms/` whose header documents the method. */
  readonly file: string;
  readonly options: z.ZodObject;
  readonly symbols: Readonly<Record<string, string>>;
  create(options: Record<string, unknown>): Algorithm;
}

const entry = <S extends z.ZodObject>(
  name: string,
  file: string,
  options: S,
  create: (options: z.input<S>) => Algorithm,
  symbols: Record<string, string> = {},
): AlgorithmEntry => ({ name, file, options, symbols, create: create as AlgorithmEntry["create"] });

const fedoptSymbols = { eta: "serverLearningRate", b1: "serverBeta1", b2: "serverBeta2", tau: "adaptivity" };

/** Every method, by the name users type. */
export const algorithms: readonly AlgorithmEntry[] = [
  entry("fedavg", "fedavg.ts", fedavgOptions, fedavg),
  entry("fedavgm", "fedavgm.ts", fedavgmOptions, fedavgm, { beta: "serverMomentum" }),
  entry("fedprox", "fedprox.ts", fedproxOptions, fedprox, { mu: "proximalStrength" }),
  entry("scaffold", "scaffold.ts", scaffoldOptions, scaffold),
  entry("fedcm", "fedcm.ts", fedcmOptions, fedcm, { alpha: "gradientShare" }),
  entry("fedsam", "fedsam.ts", fedsamOptions, fedsam, { rho: "perturbationRadius" }),
  entry("mofedsam", "mofedsam.ts", mofedsamOptions, mofedsam, { alpha: "gradientShare", rho: "perturbationRadius" }),
  entry("fedspeed", "fedspeed.ts", fedspeedOptions, fedspeed, { rho: "perturbationRadius", alpha: "ascentShare" }),
  entry("fednsam", "fednsam.ts", fednsamOptions, fednsam, { gamma: "serverMomentum", rho: "perturbationRadius" }),
  entry("fedbcgd", "fedbcgd.ts", fedbcgdOptions, fedbcgd, { N: "blocks", beta: "serverMomentum" }),
  entry("fedbcgd+", "fedbcgd-plus.ts", fedbcgdPlusOptions, fedbcgdPlus, {
    N: "blocks",
    beta: "serverMomentum",
    p: "controlRate",
  }),
  entry("fedadagrad", "fedopt.ts", fedadagradOptions, fedadagrad, {
    eta: "serverLearningRate",
    b1: "serverBeta1",
    tau: "adaptivity",
  }),
  entry("fedadam", "fedopt.ts", fedadamOptions, fedadam, fedoptSymbols),
  entry("fedyogi", "fedopt.ts", fedyogiOptions, fedyogi, fedoptSymbols),
  entry("local", "local.ts", localOptions, local),
  entry("fedadamw", "fedadamw.ts", fedadamwOptions, fedadamw, {
    alpha: "directionShare",
    b1: "beta1",
    b2: "beta2",
    eps: "epsilon",
  }),
  entry("fedmuon", "fedmuon.ts", fedmuonOptions, fedmuon, {
    alpha: "directionShare",
    mu: "momentum",
    c: "matrixRate",
    rho: "rankShare",
  }),
  entry("fedpac", "fedpac.ts", fedpacOptions, fedpac, { beta: "directionShare" }),
  entry("fedau", "fedau.ts", fedauOptions, fedau, { P: "cutoff" }),
  entry("fedamd", "fedamd.ts", fedamdOptions, fedamd, { p: "anchorShare", T: "anchorEvery" }),
  entry("fedlex", "fedlex.ts", fedlexOptions, fedlex),
  entry("diloco", "diloco.ts", dilocoOptions, diloco, {
    mu: "serverMomentum",
    b1: "beta1",
    b2: "beta2",
    eps: "epsilon",
  }),
  entry("rerce", "rerce.ts", rerceOptions, rerce, { rho: "proximalStrength" }),
  entry("dp-fedavg", "dp-fedavg.ts", dpFedavgOptions, dpFedavg),
  entry("dp-fedavgm", "dp-fedavgm.ts", dpFedavgmOptions, dpFedavgm, { beta: "serverMomentum" }),
  entry("dp-fedsam", "dp-fedsam.ts", dpFedsamOptions, dpFedsam, { rho: "perturbationRadius" }),
  entry("dp-fedlamb", "dp-fedlamb.ts", dpFedlambOptions, dpFedlamb, { ...fedoptSymbols, lambda: "serverWeightDecay" }),
  entry("dp-fedpgn", "dp-fedpgn.ts", dpFedpgnOptions, dpFedpgn, { gamma: "gradientShare", rho: "perturbationRadius" }),
  entry("diff2", "diff2.ts", diff2Options, diff2, { T: "restartEvery", C2: "smoothnessBound" }),
  entry("diff2-bvr-l-sgd", "diff2-bvr-l-sgd.ts", diff2BvrLSgdOptions, diff2BvrLSgd, {
    T: "restartEvery",
    C2: "smoothnessBound",
  }),
];

/**
 * Builds a method from its name and options as a user wrote them. Throws `algorithm/unknown`, `algorithm/unknown-option`
 * (both name the nearest known word), `algorithm/option-twice`, `algorithm/missing-option` or `algorithm/option`.
 */
export function createAlgorithm(name: string, options: Readonly<Record<string, unknown>> = {}): Algorithm {
  const found = algorithms.find((a) => a.name === name);
  if (found === undefined) {
    const names = algorithms.map((a) => a.name);
    throw new AnabranchError({
      code: "algorithm/unknown",
      message: "unknown algorithm",
      where: "algorithm.name",
      received: JSON.stringify(name),
      expected: `one of ${names.join(", ")}`,
      advice: suggestion(name, names),
    });
  }
  return found.create(resolveOptions(found, options));
}

function resolveOptions(found: AlgorithmEntry, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = Object.keys(found.options.shape);
  const resolved: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    const option = found.symbols[key] ?? key;
    if (!known.includes(option)) {
      throw new AnabranchError({
        code: "algorithm/unknown-option",
        message: `${found.name} has no such option`,
        where: `algorithm.${key}`,
        received: JSON.stringify(value),
        expected: known.length === 0 ? "no options" : `one of ${known.join(", ")}`,
        advice: suggestion(key, known),
      });
    }
    if (Object.hasOwn(resolved, option)) throw givenTwice(found, option, key, value);
    resolved[option] = value;
  }
  const parsed = found.options.safeParse(resolved);
  if (parsed.success) return resolved;
  const issue = parsed.error.issues[0]!;
  const key = String(issue.path[0] ?? "");
  const missing = resolved[key] === undefined;
  throw new AnabranchError({
    code: missing ? "algorithm/missing-option" : "algorithm/option",
    message: missing ? "missing required option" : `invalid value for an option of ${found.name}`,
    where: `algorithm.${key}`,
    ...(missing ? {} : { received: JSON.stringify(resolved[key]) }),
    expected: expectation(issue),
    advice: `Run "anabranch methods ${found.name}" to see every option with its default.`,
  });
}

function givenTwice(found: AlgorithmEntry, option: string, key: string, value: unknown): AnabranchError {
  const names = [option, ...Object.keys(found.symbols).filter((symbol) => found.symbols[symbol] === option)];
  return new AnabranchError({
    code: "algorithm/option-twice",
    message: `${names.join(" and ")} are the same option of ${found.name}`,
    where: `algorithm.${key}`,
    received: JSON.stringify(value),
    expected: "one of them",
    advice: `Keep algorithm.${option} and leave the other out.`,
  });
}

function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? 'Run "anabranch methods" for the list.' : `Did you mean "${near}"?`;
}
