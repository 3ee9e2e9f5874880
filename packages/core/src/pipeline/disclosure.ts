/**
 * What may be known of a round beside its aggregate: everything, where nothing is hidden; with differential privacy or
 * secure aggregation public numbers alone.
 */
import { AnabranchError, type Failure } from "@anabranch/engine";
import type { Algorithm, RoundContext, ServerState } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import type { PipelineSettings } from "./settings.ts";

interface Parts {
  readonly algorithm: Algorithm;
  readonly layout: Layout;
  readonly population: number;
  readonly localSteps?: number | undefined;
  readonly stages: PipelineSettings;
}

type About = Pick<RoundContext, "round" | "learningRate">;

export interface Disclosure {
  /** The public scalars that go down in a round: with differential privacy its clip norm. */
  publicScalars(server: ServerState, round: number, learningRate: number): Readonly<Record<string, number>>;
  /** Why what came is not released, undefined where it is. */
  whyNotReleased(participants: number, cohort: number): Failure | undefined;
  /** The cohort's size as the server half is told it; undefined: that of the clients who took part, and all their metrics. */
  cohortSize(survivors: number | undefined): number | undefined;
  /** A context of public numbers. Throws `privacy/steps` where a method asks for steps that are not public. */
  publicContext(cohortSize: number, about: About): RoundContext;
}

export function disclosureOf(parts: Parts): Disclosure {
  const { algorithm, layout, population, localSteps } = parts;
  const { privacy } = parts.stages;
  const publicContext = (cohortSize: number, { round, learningRate }: About): RoundContext => {
    const steps = (): number => localSteps ?? refuseSteps(algorithm);
    return {
      ...{ round, population, learningRate, layout, cohortSize },
      get localSteps() {
        return steps();
      },
      get weightedSteps() {
        return steps();
      },
    };
  };
  if (privacy === undefined) {
    return {
      publicScalars: () => ({}),
      whyNotReleased: (participants, cohort) => tooFew(participants, cohort, 1),
      cohortSize: (survivors) => survivors,
      publicContext,
    };
  }
  const { denominator, noise, minimumSurvivors, adaptive, clipNorm } = privacy;
  return {
    publicScalars(server, round, learningRate) {
      const base = adaptive === undefined ? clipNorm : (server.scalars[CLIP_NORM] ?? clipNorm);
      const context = publicContext(denominator, { round, learningRate });
      return { [CLIP_NORM]: algorithm.privacy?.clipNorm?.(server, base, context) ?? base };
    },
    // under central noise an empty round is noised and counted; noise of clients needs the shares of enough of them
    whyNotReleased: (participants, cohort) =>
      noise === "central" ? undefined : tooFew(participants, cohort, minimumSurvivors),
    cohortSize: () => denominator, // the realised cohort would be a release of its own
    publicContext,
  };
}

function tooFew(participants: number, cohort: number, fewest: number): Failure | undefined {
  if (participants === 0)
    return { code: "round/no-updates", message: `no update came from the ${cohort} clients of the cohort` };
  if (participants >= fewest) return undefined;
  const message = `${participants} clients finished, fewer than privacy.minimumSurvivors = ${fewest}`;
  return { code: "round/too-few", message };
}

function refuseSteps({ name }: Algorithm): never {
  throw new AnabranchError({
    code: "privacy/steps",
    message: `${name} divides by the number of local steps, which differs between clients and is not public`,
    where: "training.localEpochs",
    expected: "the same number for all: training.localSteps",
    advice: "Set training.localSteps instead of training.localEpochs.",
  });
}
