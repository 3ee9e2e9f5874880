import { AnabranchError } from "@anabranch/engine";
import { type Layout, layout, type Vector, zerosLike } from "../../params/index.ts";
import type { InvalidUpdate, Stage, Update } from "../../protocol/index.ts";
import { nextClipNorm, updateNoiseMultiplier } from "./adaptive-clip.ts";
import { clipUpdate, jointNorm } from "./clip.ts";
import { addGaussian, noisePath, noiseStream } from "./gaussian.ts";
import { CLIP_NORM, type MechanismSettings, UNCLIPPED } from "./settings.ts";

/**
 * The stages of a mechanism: clip, then noise. The clip norm of the round is a public scalar of the broadcast. Aggregates are
 * sums; the server half turns them into means over the fixed denominator.
 *
 * @param vectors names of the vectors that clients train
 */
export function mechanismStages(settings: MechanismSettings, vectors: readonly string[]): Stage[] {
  return [clipStage(settings), noiseStage(settings, [...vectors, ...Object.keys(stageVectors(settings))])];
}

/** Vectors that the stages add to every update, beside those that were trained. */
export function stageVectors({ adaptive }: MechanismSettings): Readonly<Record<string, Layout>> {
  if (adaptive === undefined) return {};
  return { [UNCLIPPED]: layout([{ name: UNCLIPPED, shape: [1], role: "vector", block: UNCLIPPED }]) };
}

/** Rounding of a clipped float32 vector. */
const TOLERANCE = 1e-6;

function clipStage(settings: MechanismSettings): Stage {
  const { clipping, adaptive, distribution } = settings;
  return {
    name: "clip",
    client(update, { scalars, layouts }) {
      const within = clipUpdate(update.vectors, layouts, scalars[CLIP_NORM]!, clipping);
      if (adaptive === undefined) return update;
      const vote = zerosLike(Object.values(update.vectors)[0]!, 1).fill(within ? 0.5 : -0.5);
      return { ...update, vectors: { ...update.vectors, [UNCLIPPED]: vote } };
    },
    // of integers no norm can be told, and what makes them checks each
    ...(distribution === "gaussian"
      ? { receive: (update, { scalars }) => unclipped(update, settings, scalars[CLIP_NORM]!) ?? update }
      : {}),
    server({ vectors: { [UNCLIPPED]: vote, ...vectors }, state }, { scalars }) {
      if (adaptive === undefined) return { vectors, state };
      return { vectors, state: { ...state, [CLIP_NORM]: nextClipNorm(scalars[CLIP_NORM]!, vote![0]!, adaptive) } };
    },
  };
}

/**
 * Why an update may not enter a private sum, undefined where it may: one that is beyond the clip norm would break the
 * guarantee of all, whoever sent it. Under noise of the clients' own only its being finite can be told.
 */
function unclipped(update: Update, { noise }: MechanismSettings, bound: number): InvalidUpdate | undefined {
  try {
    const { [UNCLIPPED]: vote, ...vectors } = update.vectors;
    const norm = jointNorm(vectors);
    if (vote !== undefined && Math.abs(vote[0]!) !== 0.5)
      return { code: "update/vote", message: `a vote on the clip norm is 0.5 or -0.5, not ${vote[0]}` };
    if (noise !== "central" || norm <= bound * (1 + TOLERANCE)) return undefined;
    return { code: "update/clip", message: `the update has norm ${norm}, beyond the clip norm ${bound}` };
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    return { code: error.code, message: error.message };
  }
}

function noiseStage(settings: MechanismSettings, names: readonly string[]): Stage {
  const { distribution, noise, denominator, source } = settings;
  const share = shareDeviation(settings);
  const central = noise === "central";
  // of integers clients add it as they round, see `IntegerEncoding`
  const byClients = !central && distribution === "gaussian";
  const keyName = (vector: string) => `noise/${vector}`;
  return {
    name: "noise",
    ...(byClients
      ? {
          keys: names.map((vector) => ({
            name: keyName(vector),
            path: (round: number) => noisePath(round, vector),
          })),
          client(update, { scalars, keys }) {
            for (const [name, vector] of sorted(update.vectors)) {
              addGaussian(vector, share * scalars[CLIP_NORM]!, noiseStream(source, keys[keyName(name)]!));
            }
            return update;
          },
        }
      : {}),
    server(aggregate, { round, scalars, key }) {
      for (const [name, vector] of sorted(aggregate.vectors)) {
        const deviation = name === UNCLIPPED ? settings.adaptive!.countNoise : share * scalars[CLIP_NORM]!;
        if (central) addGaussian(vector, deviation, noiseStream(source, key(...noisePath(round, name))));
        for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! / denominator;
      }
      return aggregate;
    },
  };
}

/**
 * Standard deviation of one addition of noise over C: z for the server and for clients that trust nobody; z / sqrt(m) for
 * shares, so that m survivors together reach z. All over n, the records of the client with fewest, where records are protected.
 */
export function shareDeviation(settings: MechanismSettings): number {
  const { noise, noiseMultiplier, minimumSurvivors, adaptive, fewestRecords = 1 } = settings;
  const multiplier =
    adaptive === undefined ? noiseMultiplier : updateNoiseMultiplier(noiseMultiplier, adaptive.countNoise);
  return (noise === "distributed" ? multiplier / Math.sqrt(minimumSurvivors) : multiplier) / fewestRecords;
}

function sorted(vectors: Readonly<Record<string, Vector>>): [string, Vector][] {
  return Object.entries(vectors).sort(([a], [b]) => (a < b ? -1 : 1));
}
