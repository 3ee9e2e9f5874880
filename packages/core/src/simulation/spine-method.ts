/**
 * FedSpine-style rounds: a bandit chooses for each client which share of the hidden units to leave out and which rank to train,
 * and the units that matter least go. What clients send is put back in place and factored anew.
 *
 * Citation: Z. Yao et al., "Efficient Deployment of Large Language Models on Resource-constrained Devices" (FedSpine), 2025,
 * arXiv:2501.02438, sections 3.2 to 3.4. A reconstruction. Differences: the server computes importance from what clients send,
 * so that no gradient or mask comes up; units are left out for a round and may come back.
 */
import { type ClassChoices, choicesOfClients, learnedChoices, leastImportant, untried } from "../adapters/index.ts";
import type { Algorithm, RoundContext, ServerState } from "../algorithms/algorithm.ts";
import { entryView, type Layout } from "../params/layout.ts";
import { copy, type Vector, zerosLike } from "../params/vector.ts";
import { KEPT_UNITS } from "../submodels/masked-units.ts";
import { type AdaptedUnits, nextImportance, startImportance, unitLayout } from "./unit-importance.ts";

/** What a controller chooses from. */
export interface SpineCell {
  readonly rank: number;
  /** Share of each hidden layer's units that are left out. */
  readonly pruned: number;
  /** Part of the time of a device that it takes. */
  readonly work: number;
}

export interface SpineSettings extends AdaptedUnits {
  readonly cells: readonly SpineCell[];
  /** Seconds of each class of devices for the whole work; 1 where nothing is known of it. */
  readonly seconds: readonly number[];
  readonly population: number;
  readonly exploration: number;
  readonly timeWeight: number;
  /** Where the values of a cell lie in the model. */
  places(cell: number): Int32Array;
}

/** Vectors of the server beside those of the method. */
const [MEANS, COUNTS, LOSSES, CHOICES, IMPORTANCE] = [
  "spineMeans",
  "spineCounts",
  "spineLosses",
  "spineChoices",
  "spineImportance",
] as const;
/** Nothing is known yet: losses are 0 or more. */
const UNKNOWN = -1;

/** The cell of a client in the next round, from the server's vectors. */
export function spineChoice(client: number, vectors: Readonly<Record<string, Vector>>): number {
  return vectors[CHOICES]![client]!;
}

/** A method of adapters with the controller around it. Its rounds have updates side by side, [updates, d], and their losses. */
export function withSpine(method: Algorithm, settings: SpineSettings): Algorithm {
  const { cells, seconds, population, exploration, layers } = settings;
  const masks = unitLayout(layers);
  const own = { ...settings, masks };
  const prunes = cells.some(({ pruned }) => pruned > 0);
  return {
    ...method,
    payloads(model, training) {
      const payloads = method.payloads(model, training);
      if (!prunes) return payloads;
      return { ...payloads, broadcast: { ...payloads.broadcast, [KEPT_UNITS]: masks }, own: [KEPT_UNITS] };
    },
    init(parameters, model) {
      const { vectors, scalars } = method.init(parameters, model);
      const nothing = untried(seconds.length, cells.length);
      const start = controllerVectors(nothing, choicesOfClients(nothing, population, exploration), {
        losses: new Float64Array(population + 1).fill(UNKNOWN),
        importance: startImportance(settings),
      });
      return { vectors: { ...vectors, ...start }, scalars };
    },
    broadcast(state, scalars, round) {
      const all = zerosLike(state.vectors.parameters, masks.size).fill(1);
      return { ...method.broadcast(state, scalars, round), ...(prunes ? { [KEPT_UNITS]: all } : {}) };
    },
    ...(prunes ? { own: (state: ServerState, client: number) => ({ [KEPT_UNITS]: maskOf(own, state, client) }) } : {}),
    update(state, aggregate, context) {
      const [[name, updates]] = Object.entries(aggregate) as [[string, Vector]];
      const { clients = [] } = context;
      const kept = clients.map((client) => maskOf(own, state, client));
      const sent = prunes ? withoutPruned(state.vectors.parameters, updates, kept, context.layout, own) : updates;
      const next = method.update(state, { ...aggregate, [name]: sent }, context);
      return { ...next, vectors: { ...next.vectors, ...learned(own, state, updates, kept, context) } };
    },
  };
}

/** With a number for each hidden unit. */
interface Masked extends SpineSettings {
  readonly masks: Layout;
}

/** 1 for the units that a client has. */
function maskOf({ cells, masks }: Masked, { vectors }: ServerState, client: number): Vector {
  const { pruned } = cells[spineChoice(client, vectors)]!;
  const mask = zerosLike(vectors.parameters, masks.size).fill(1);
  for (const entry of masks.entries) {
    const importance = Array.from(entryView(vectors[IMPORTANCE]!, entry));
    for (const unit of leastImportant(importance, pruned)) mask[entry.offset + unit] = 0;
  }
  return mask;
}

/** What is known after a round, and what everyone does in the next one. */
function learned(
  settings: Masked,
  { vectors }: ServerState,
  updates: Vector,
  kept: readonly Vector[],
  { clients = [], losses = [], layout }: RoundContext,
): Record<string, Vector> {
  const { cells, seconds, population, exploration } = settings;
  const known = classChoices(vectors, seconds.length, cells.length);
  const before = vectors[LOSSES]!;
  // a client that is new is compared with the mean of the last round
  const outcomes = clients.flatMap((client, k) => {
    const last = before[client] === UNKNOWN ? before[population]! : before[client]!;
    if (last === UNKNOWN || !Number.isFinite(losses[k])) return [];
    const cell = spineChoice(client, vectors);
    const time = seconds[client % seconds.length]! * cells[cell]!.work;
    return [{ client, cell, gain: last - losses[k]!, time }];
  });
  const after = learnedChoices(known, outcomes, settings.timeWeight);
  const next = Float64Array.from(before);
  for (const [k, client] of clients.entries()) if (Number.isFinite(losses[k])) next[client] = losses[k]!;
  const finite = losses.filter(Number.isFinite);
  if (finite.length > 0) next[population] = finite.reduce((sum, loss) => sum + loss, 0) / finite.length;
  const rows = clients.map((client, k) => ({
    places: settings.places(spineChoice(client, vectors)),
    update: updates.subarray(k * layout.size, (k + 1) * layout.size),
    kept: kept[k]!,
  }));
  const importance = cells.some(({ pruned }) => pruned > 0)
    ? nextImportance(vectors[IMPORTANCE]!, vectors.parameters, rows, layout, settings)
    : Float64Array.from(vectors[IMPORTANCE]!);
  return controllerVectors(after, choicesOfClients(after, population, exploration), { losses: next, importance });
}

interface Beside {
  readonly losses: Float64Array;
  readonly importance: Float64Array;
}

function controllerVectors(known: ClassChoices, choices: readonly number[], { losses, importance }: Beside) {
  return {
    [MEANS]: Float64Array.from(known.flatMap(({ means }) => means)),
    [COUNTS]: Float64Array.from(known.flatMap(({ counts }) => counts)),
    [LOSSES]: losses,
    [CHOICES]: Float64Array.from(choices),
    [IMPORTANCE]: importance,
  };
}

function classChoices(vectors: ServerState["vectors"], classes: number, cells: number): ClassChoices {
  const of = (name: string, i: number) => Array.from(vectors[name]!.subarray(i * cells, (i + 1) * cells));
  return Array.from({ length: classes }, (_, i) => ({ means: of(MEANS, i), counts: of(COUNTS, i) }));
}

/** Updates after which what belongs to pruned units is zero: rows of B that make them, columns of A that read them. */
function withoutPruned(
  global: Vector,
  updates: Vector,
  kept: readonly Vector[],
  layout: Layout,
  { layers, adapters, masks }: Masked,
): Vector {
  const sent = copy(updates);
  const places = new Map(layout.entries.map((entry) => [entry.name, entry]));
  const factor = (weight: string, of: "a" | "b") => {
    const name = adapters.pairs.find((pair) => pair.weight === weight)?.[of];
    return name === undefined ? undefined : places.get(name);
  };
  for (const [k, mask] of kept.entries()) {
    const own = sent.subarray(k * layout.size, (k + 1) * layout.size);
    for (const { makes, reads, units } of layers) {
      const { offset } = masks.entries.find(({ name }) => name === makes)!;
      // B [r, units] of dense layers, A [units, r]
      const [b, a] = [factor(makes, "b"), factor(reads, "a")];
      for (let unit = 0; unit < units; unit++) {
        if (mask[offset + unit] !== 0) continue;
        if (b) for (let i = b.offset + unit; i < b.offset + b.size; i += units) own[i] = -global[i]!;
        if (a)
          for (let i = a.offset + unit * (a.size / units), end = i + a.size / units; i < end; i++) own[i] = -global[i]!;
      }
    }
  }
  return sent;
}
