import type { Model } from "../models/model.ts";
import { type Layout, type LayoutEntry, layout as layoutFrom } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Widths } from "../params/widths.ts";
import { heldEntries, heldUnits } from "./slices.ts";
import { type UnitAxes, unitAxes } from "./unit-axes.ts";

/** A model of some of the hidden units of another one. */
export interface SubModel {
  readonly model: Model;
  readonly layout: Layout;
  /** Rows of a mini-batch; absent: those of the run. */
  readonly batchSize?: number | undefined;
  /** What becomes of the weights that no client trains; absent: they are the same for all. */
  readonly frozen?: ((values: Vector, layout: Layout) => Vector) | undefined;
}

/** The models that clients of a federation train in place of the whole one. */
export interface SubModels {
  /** One for each tier; where the loss depends on which coordinates a client has, one for each tier and window. */
  readonly parts: readonly SubModel[];
  /** Which of `parts` a client trains in a round (1-based), where that depends on them from the server's vectors. */
  partOf(client: number, round: number, server?: Readonly<Record<string, Vector>>): number;
  /** Where the values of a part lie in the whole model in a round: places [part.layout.size]. */
  places(part: number, round: number): Int32Array;
}

/**
 * The models of a federation with clients of other widths. A network is the same function of smaller tensors in every
 * window, so there is one for each tier; the window decides alone where its values lie. Throws `submodels/chain`.
 *
 * @example
 * ```ts
 * import { layout, mlp, subModels } from "@anabranch/core";
 * const model = mlp({ input: [2], hidden: [4], classes: 2 }); // dense1.bias [4], dense1.weight [2, 4], dense2 ...
 * const { parts, places } = subModels(model, layout(model.parameters), { ratios: [1, 0.5], rolls: true });
 * parts.map((part) => part.layout.size); // => [22, 12]
 * places(1, 4).subarray(0, 2); // => [3, 0]
 * ```
 */
export function subModels(model: Model, layout: Layout, { ratios, rolls, round = "up" }: Widths): SubModels {
  const axes = unitAxes(model, layout);
  const tiers = ratios.length;
  const [first] = layout.entries;
  // windows of coordinates are other functions, those of units are not
  const windows = model.sliced === undefined || !rolls ? 1 : first!.shape[0]!;
  const startOf = (ofRound: number) => (rolls ? ofRound - 1 : 0);
  const narrow = new Map<string, SubModel>();
  const parts = Array.from({ length: tiers * windows }, (_, part) => {
    const ratio = ratios[part % tiers]!;
    const start = windowOf(ratio, Math.floor(part / tiers));
    const known = narrow.get(`${ratio} ${start}`) ?? subModel(model, layout, axes, { ratio, start, round });
    narrow.set(`${ratio} ${start}`, known);
    return known;
  });
  const newest = new Map<number, { readonly start: number; readonly places: Int32Array }>();
  return {
    parts,
    partOf: (client, ofRound) => (client % tiers) + tiers * (startOf(ofRound) % windows),
    places(part, ofRound) {
      const ratio = ratios[part % tiers]!;
      const start = windowOf(ratio, startOf(ofRound));
      const known = newest.get(part);
      if (known?.start === start) return known.places;
      const places = placesOf(layout, axes, { ratio, start, round });
      newest.set(part, { start, places });
      return places;
    },
  };
}

/** Which units of every layer a part has. */
interface Window {
  readonly ratio: number;
  readonly start: number;
  readonly round: "up" | "down";
}

/** Who has all units has them in their order. */
function windowOf(ratio: number, start: number): number {
  return ratio === 1 ? 0 : start;
}

function subModel(model: Model, whole: Layout, axes: UnitAxes, window: Window): SubModel {
  if (window.ratio === 1) return { model, layout: whole };
  const shapes = new Map(whole.entries.map((entry) => [entry.name, narrowShape(entry, axes, window)]));
  const parameters = model.parameters.map((spec) => ({ ...spec, shape: shapes.get(spec.name)! }));
  const held = () => whole.entries.map((entry) => [entry.name, placesIn(entry, axes, window)] as const);
  const forward = model.sliced?.(Object.fromEntries(held())) ?? model.forward;
  return { model: { ...model, parameters, forward }, layout: layoutFrom(parameters) };
}

/** Places in the flat vector of the whole, in the order of the narrow one: entries are sorted by name in both. */
function placesOf({ entries }: Layout, axes: UnitAxes, window: Window): Int32Array {
  return Int32Array.from(
    entries.flatMap((entry) => placesIn(entry, axes, window).map((place) => entry.offset + place)),
  );
}

/** Places in the parameter itself, row-major. An axis of several indices for each unit counts as two axes. */
function placesIn({ name, shape }: LayoutEntry, axes: UnitAxes, { ratio, start, round }: Window): number[] {
  const own = axes[name]!;
  const split = shape.flatMap((extent, axis) => {
    const found = own.find((one) => one.axis === axis);
    return found === undefined ? [{ extent, hidden: false }] : unitsThenRest(found.units, found.each);
  });
  const hidden = split.flatMap((part, axis) => (part.hidden ? [axis] : []));
  return heldEntries({ shape: split.map(({ extent }) => extent), axes: hidden }, ratio, start, round);
}

function unitsThenRest(units: number, each: number) {
  return [{ extent: units, hidden: true }, ...(each === 1 ? [] : [{ extent: each, hidden: false }])];
}

function narrowShape({ name, shape }: LayoutEntry, axes: UnitAxes, { ratio, round }: Window): number[] {
  return shape.map((extent, axis) => {
    const found = axes[name]!.find((one) => one.axis === axis);
    return found === undefined ? extent : heldUnits(found.units, ratio, 0, round).length * found.each;
  });
}
