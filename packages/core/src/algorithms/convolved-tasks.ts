/** What FedConv's server trains, one task for each: see fedconv.ts. */
import { constant, gather } from "@anabranch/engine";
import { layout } from "../params/layout.ts";
import { compressedModel, convolvedMaps, dilatedModel } from "../submodels/convolved-model.ts";
import { weightedWeights } from "../submodels/index.ts";
import type { PublicTask, PublicTrainer } from "./public-training.ts";

/** The large model itself. */
export function wholeTask({ model, layout: made }: PublicTrainer): PublicTask {
  return { name: "server", model, made, trained: made, given: {}, make: (trained) => trained };
}

/** The small model of a tier from the large one. */
export function compression(tier: number, { layout: large, subModels }: PublicTrainer): PublicTask {
  const { model, layout: made } = subModels!.parts[tier]!;
  const trained = convolvedMaps(large, made, "compress");
  const make: PublicTask["make"] = (maps, given) => compressedModel(maps, given["large"]!, large);
  return { name: `compress-${tier}`, model, made, trained, given: { large }, make };
}

/** The large model from what a client of a tier has trained. */
export function dilation(tier: number, { model, layout: made, subModels }: PublicTrainer): PublicTask {
  const { layout: small } = subModels!.parts[tier]!;
  const trained = convolvedMaps(made, small, "dilate");
  const make: PublicTask["make"] = (maps, given) => dilatedModel(maps, given["small"]!, small);
  return { name: `dilate-${tier}`, model, made, trained, given: { small }, make };
}

/** The sum of so many models. */
export function weightedSum(clients: number, { model, layout: made }: PublicTrainer): PublicTask {
  const numbers = Array.from({ length: clients }, (_, place) => digits(place));
  const trained = layout(
    numbers.flatMap((number) => made.entries.map((entry) => ({ ...entry, name: `${number}.${entry.name}` }))),
  );
  const one = layout([{ name: "shares", shape: [clients], role: "vector", block: "shares" }]);
  const given = { shares: one, ...Object.fromEntries(numbers.map((number) => [number, made])) };
  const make: PublicTask["make"] = (factors, { shares, ...models }) =>
    Object.fromEntries(
      made.entries.map(({ name }) => [
        name,
        weightedWeights(
          numbers.map((number) => models[number]![name]!),
          numbers.map((number) => factors[`${number}.${name}`]!),
          numbers.map((_, place) => gather(shares!["shares"]!, constant(place, [], "int32"), 0)),
        ),
      ]),
    );
  return { name: `sum-${clients}`, model, made, trained, given, make };
}

/** Names sort as numbers do. */
export function digits(place: number): string {
  return `c${`${place}`.padStart(6, "0")}`;
}
