import { transposed } from "@anabranch/engine";
import type { Matrix } from "../adapters/matrix.ts";
import type { Algorithm } from "../algorithms/algorithm.ts";
import type { Config } from "../config/index.ts";
import { type Model, withAdapters } from "../models/index.ts";
import { entryView, layout as layoutFrom, subLayout } from "../params/layout.ts";
import type { ParameterSplit } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import {
  hiddenLayers,
  ofRank,
  rankTiers,
  type SubModel,
  type SubModels,
  subModels,
  withUnitMasks,
} from "../submodels/index.ts";
import { type DeviceChoices, deviceClasses, flopsOf } from "./device-choices.ts";
import { type SpineCell, type SpineSettings, spineChoice } from "./spine-method.ts";

/** c of the bandit, and what time counts, where the configuration does not say. */
const [EXPLORATION, TIME_WEIGHT] = [0.5, 1];

/** What rules and controllers may need of a run. */
export interface RuledRun {
  readonly split: ParameterSplit;
  /** Of the whole model at the start. */
  readonly values: Vector;
  readonly population: number;
}

/** The grid of a FedSpine-style controller, the models of its cells and what they cost. */
export interface SpineChoices {
  readonly settings: SpineSettings;
  readonly tiers: SubModels;
  readonly choices: DeviceChoices;
}

/**
 * Every rank with every share of pruned units. A cell trains a model of its rank with masks, and its work is that of the
 * smaller model. Throws `submodels/chain` for models whose units are not known, and `config/conflict` as `deviceClasses`.
 */
export function spineChoices(
  config: Config,
  algorithm: Algorithm,
  model: Model,
  { split, values, population }: RuledRun,
  ranks: readonly number[],
): SpineChoices {
  const { pruned = [0], exploration = EXPLORATION, timeWeight = TIME_WEIGHT } = config.adapters;
  const { base, pairs } = model.adapters!;
  const layers = hiddenLayers(base);
  const grid = [...new Set(ranks)].flatMap((rank) => [...new Set(pruned)].map((share) => ({ rank, pruned: share })));
  const flops = (cell: Omit<SpineCell, "work">) =>
    flopsOf(algorithm, smaller(model, split, cell), split, config.training);
  const whole = flops({ rank: Math.max(...ranks), pruned: 0 });
  const cells = grid.map((cell): SpineCell => ({ ...cell, work: flops(cell) / whole }));
  const { shared } = split;
  const plain = rankTiers(model, { shared, sent: shared }, grid);
  const masked = new Map<SubModel, SubModel>();
  const withMasks = (part: SubModel) => {
    const made = masked.get(part) ?? { ...part, model: withUnitMasks(part.model, layers) };
    masked.set(part, made);
    return made;
  };
  const prunes = cells.some((cell) => cell.pruned > 0);
  const devices = deviceClasses(config);
  const all = layoutFrom(model.parameters);
  return {
    settings: {
      ...{ cells, population, exploration, timeWeight, layers },
      seconds: devices.map(({ seconds = 1 }) => seconds),
      adapters: { pairs, scale: model.adapters!.scale },
      weight: (name) => weightOf(name),
      places: (cell) => plain.places(cell, 1),
    },
    tiers: {
      parts: prunes ? plain.parts.map(withMasks) : plain.parts,
      partOf: (client, _round, server) => spineChoice(client, server!),
      places: plain.places,
    },
    choices: {
      tiers: grid,
      tierOf: () => 0,
      work: (_client, part = 0) => cells[part]!.work,
      text: described(cells, devices.length),
    },
  };

  /** [inputs, outputs] in the vector, [o, i] in papers. */
  function weightOf(name: string): Matrix {
    const entry = all.entries.find((one) => one.name === name)!;
    const [inputs, outputs] = entry.shape as [number, number];
    const data = transposed(entryView(values, entry), inputs, outputs);
    return { rows: outputs, columns: inputs, data };
  }
}

/** A model without the pruned units, of the cell's rank. */
function smaller(model: Model, split: ParameterSplit, { rank, pruned }: Omit<SpineCell, "work">): SubModel {
  if (pruned === 0) return ofRank(model, split, rank);
  const { base, pairs } = model.adapters!;
  const [part] = subModels(base, layoutFrom(base.parameters), { ratios: [1 - pruned], rolls: false }).parts;
  const targets = pairs.map(({ weight }) => weight);
  const adapted = part!.model.parameters.filter(({ name }) => targets.includes(name));
  const most = Math.max(...adapted.map(({ shape }) => Math.min(...shape)));
  const narrow = withAdapters(part!.model, { rank: Math.min(rank, most), targets });
  const names = new Set(split.shared.entries.map(({ name }) => name));
  return { model: narrow, layout: subLayout(layoutFrom(narrow.parameters), ({ name }) => names.has(name)) };
}

function described(cells: readonly SpineCell[], classes: number): string {
  const listed = (values: readonly number[]) => [...new Set(values)].join(", ");
  const whose = classes === 1 ? "all clients together" : `clients by number modulo ${classes}`;
  return `fedspine, ${whose}: ranks ${listed(cells.map(({ rank }) => rank))}; pruned shares ${listed(cells.map(({ pruned }) => pruned))}`;
}
