import { type Layout, layout, type Vector, zerosLike } from "../../params/index.ts";
import type { Stage } from "../../protocol/index.ts";
import { updateNoiseMultiplier } from "./adaptive-clip.ts";
import { clipUpdate } from "./clip.ts";
import { addGaussian, noiseStream } from "./gaussian.ts";
import { CLIP_NORM, type MechanismSettings, UNCLIPPED } from "./settings.ts";

/**
 * The stages of a mechanism: clip (client half), then noise. The clip norm of the round is a public scalar of the
 * broadcast. Aggregates are sums; the server half turns them into means over the fixed denominator.
 */
export function mechanismStages(settings: MechanismSettings): Stage[] {
  return [clipStage(settings), noiseStage(settings)];
}

/** Vectors that the stages add to every update, beside those that were trained. */
export function stageVectors({ adaptive }: MechanismSettings): Readonly<Record<string, Layout>> {
  if (adaptive === undefined) return {};
  return { [UNCLIPPED]: layout([{ name: UNCLIPPED, shape: [1], role: "vector", block: UNCLIPPED }]) };
}

function clipStage({ clipping, adaptive }: MechanismSettings): Stage {
  return {
    name: "clip",
    client(update, { scalars, layouts }) {
      const within = clipUpdate(update.vectors, layouts, scalars[CLIP_NORM]!, clipping);
      if (adaptive === undefined) return update;
      const vote = zerosLike(Object.values(update.vectors)[0]!, 1).fill(within ? 0.5 : -0.5);
      return { ...update, vectors: { ...update.vectors, [UNCLIPPED]: vote } };
    },
  };
}

function noiseStage(settings: MechanismSettings): Stage {
  const { distribution, noise, denominator, source } = settings;
  const share = shareDeviation(settings);
  const central = noise === "central";
  const added = distribution === "gaussian"; // whole numbers get theirs when updates are rounded
  return {
    name: "noise",
    ...(central || !added
      ? {}
      : {
          client(update, { scalars }) {
            for (const [name, vector] of sorted(update.vectors)) {
              addGaussian(vector, share * scalars[CLIP_NORM]!, noiseStream(source, update.round, name, update.client));
            }
            return update;
          },
        }),
    server(aggregate, { round, scalars }) {
      for (const [name, vector] of sorted(aggregate)) {
        const deviation = name === UNCLIPPED ? settings.adaptive!.countNoise : share * scalars[CLIP_NORM]!;
        if (central) addGaussian(vector, deviation, noiseStream(source, round, name));
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
