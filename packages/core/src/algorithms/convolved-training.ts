/** What the server of FedConv trains on public examples: the model, maps to smaller models and back, and factors of a sum. */
import type { Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { drawMaps } from "../submodels/convolved-model.ts";
import type { Algorithm, ServerState } from "./algorithm.ts";
import { compression, digits, dilation, weightedSum, wholeTask } from "./convolved-tasks.ts";
import type { PublicTrainer } from "./public-training.ts";

/** Options of FedConv. */
export interface ConvolvedRule {
  readonly ratios: readonly number[];
  readonly serverEpochs: number;
  readonly serverRate: number;
  readonly mapEpochs: number;
  readonly mapRate: number;
  readonly factorEpochs: number;
  readonly factorRate: number;
  readonly factorStart: "normal" | "ones";
  readonly publicBatch: number;
  readonly validation: number;
}

type Vectors = Readonly<Record<string, Vector>>;

/** Maps and factors of clients, side by side by number, and 1 for those that have such. */
const [DILATIONS, FACTORS, KNOWN] = ["dilations", "factors", "known"] as const;

/** Of the first tier of that ratio: tiers of one ratio share a model. */
const nameOf = (what: "subModel" | "filters", tier: number, ratios: readonly number[]) =>
  `${what}${ratios.indexOf(ratios[tier]!)}`;

/** The model that clients of a tier are given; undefined where that is a slice of the large one, as all of it is. */
function subModelOf({ vectors }: ServerState, tier: number, ratios: readonly number[]): Vector | undefined {
  return vectors[nameOf("subModel", tier, ratios)];
}

/** The server half: what was trained in `close` is the state; others keep what they had. */
export function afterTraining({ vectors, scalars }: ServerState, { delta: _sent, ...trained }: Vectors): ServerState {
  return { scalars, vectors: { ...vectors, ...trained } };
}

/** Everything that FedConv's server trains in a round. */
export function convolvedTraining(rule: ConvolvedRule): NonNullable<Algorithm["publicTraining"]> {
  const settings = (epochs: number, learningRate: number, ...path: readonly (string | number)[]) =>
    ({ epochs, learningRate, path, batchSize: rule.publicBatch, validation: rule.validation }) as const;
  return {
    subModel: (state, tier) => subModelOf(state, tier, rule.ratios),
    async open({ vectors, scalars }, round, trainer) {
      const { made: parameters } = await trainer.train(
        wholeTask(trainer),
        { trained: vectors.parameters, given: {} },
        settings(rule.serverEpochs, rule.serverRate, "server", round),
      );
      const made: Record<string, Vector> = {};
      for (const [tier, ratio] of rule.ratios.entries()) {
        if (ratio === 1 || rule.ratios.indexOf(ratio) < tier) continue;
        const filters = nameOf("filters", tier, rule.ratios);
        const task = compression(tier, trainer);
        const known = vectors[filters] ?? drawn(task.trained, vectors.parameters, trainer, "filters", tier);
        const found = await trainer.train(
          task,
          { trained: known, given: { large: parameters } },
          settings(rule.mapEpochs, rule.mapRate, filters, round),
        );
        made[filters] = found.trained;
        made[nameOf("subModel", tier, rule.ratios)] = found.made;
      }
      return { scalars, vectors: { ...vectors, ...made, parameters } };
    },

    async close(state, { delta }, { clients = [], weights = [], population, round }, trainer) {
      if (clients.length === 0) return {};
      const { parameters } = state.vectors;
      const kept = keptOf(state, population, rule, trainer);
      const about = { state, round, ratios: rule.ratios };
      const models: Vector[] = [];
      for (const [place, client] of clients.entries()) {
        const tier = client % rule.ratios.length;
        const { isWhole, sent } = trainedBy(client, rowAt(delta!, parameters.length, place), about, trainer);
        if (isWhole) models.push(sent);
        else {
          const maps = kept.mapsOf(client, tier);
          const found = await trainer.train(
            dilation(tier, trainer),
            { trained: maps, given: { small: sent } },
            settings(rule.mapEpochs, rule.mapRate, DILATIONS, client, round),
          );
          maps.set(found.trained);
          models.push(found.made);
        }
      }
      const factors = clients.map((client) => kept.factorsOf(client));
      const found = await trainer.train(
        weightedSum(clients.length, trainer),
        { trained: joined(factors), given: { shares: sharesOf(weights, parameters), ...numbered(models) } },
        settings(rule.factorEpochs, rule.factorRate, FACTORS, round),
      );
      for (const [place, own] of factors.entries()) own.set(rowAt(found.trained, parameters.length, place));
      return { parameters: found.made, ...kept.vectors };
    },
  };
}

/** The model that a client has trained, from its change at the places of its units. */
function trainedBy(
  client: number,
  change: Vector,
  { state, round, ratios }: { readonly state: ServerState; readonly round: number; readonly ratios: readonly number[] },
  { subModels }: PublicTrainer,
) {
  const start = subModelOf(state, client % ratios.length, ratios);
  const places = subModels!.places(subModels!.partOf(client, round), round);
  const from = start ?? state.vectors.parameters;
  const sent = zerosLike(from);
  for (let k = 0; k < sent.length; k++) sent[k] = from[k]! + change[places[k]!]!;
  return { isWhole: start === undefined, sent };
}

/** Maps and factors of clients, drawn at a client's first round; the vectors are new. */
function keptOf({ vectors }: ServerState, population: number, rule: ConvolvedRule, trainer: PublicTrainer) {
  const { parameters } = vectors;
  const d = parameters.length;
  const widest = Math.max(1, ...rule.ratios.map((_, tier) => dilation(tier, trainer).trained.size));
  const copyOf = (name: string, size: number) => vectors[name]?.slice() ?? zerosLike(parameters, population * size);
  const [dilations, factors, known] = [copyOf(DILATIONS, widest), copyOf(FACTORS, d), copyOf(KNOWN, 1)];
  const rows = (client: number) => [rowAt(dilations, widest, client), rowAt(factors, d, client)] as const;
  const begin = (client: number) => {
    const [maps, own] = rows(client);
    if (known[client] !== 0) return;
    known[client] = 1;
    const { trained } = dilation(client % rule.ratios.length, trainer);
    maps.set(drawn(trained, parameters, trainer, DILATIONS, client));
    const random = trainer.random(FACTORS, client);
    for (let j = 0; j < d; j++) own[j] = rule.factorStart === "ones" ? 1 : random.normal();
  };
  return {
    vectors: { [DILATIONS]: dilations, [FACTORS]: factors, [KNOWN]: known },
    mapsOf(client: number, tier: number): Vector {
      begin(client);
      return rows(client)[0].subarray(0, dilation(tier, trainer).trained.size);
    },
    factorsOf(client: number): Vector {
      begin(client);
      return rows(client)[1];
    },
  };
}

function drawn(maps: Layout, like: Vector, trainer: PublicTrainer, ...path: readonly (string | number)[]): Vector {
  const values = zerosLike(like, maps.size);
  drawMaps(maps, values, trainer.random(...path));
  return values;
}

function numbered(models: readonly Vector[]): Vectors {
  return Object.fromEntries(models.map((model, place) => [digits(place), model]));
}

function sharesOf(weights: readonly number[], like: Vector): Vector {
  const total = weights.reduce((a, b) => a + b, 0);
  const shares = zerosLike(like, weights.length);
  for (const [place, weight] of weights.entries()) shares[place] = weight / total;
  return shares;
}

function joined(rows: readonly Vector[]): Vector {
  const all = zerosLike(
    rows[0]!,
    rows.reduce((sum, { length }) => sum + length, 0),
  );
  for (const [place, row] of rows.entries()) all.set(row, place * row.length);
  return all;
}

function rowAt(values: Vector, width: number, row: number): Vector {
  return values.subarray(row * width, (row + 1) * width);
}
