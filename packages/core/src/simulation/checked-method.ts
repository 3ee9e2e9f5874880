import { type TensorTree, tensorLeaves } from "@anabranch/engine";
import type {
  Algorithm,
  ClientHalf,
  ClientResult,
  PayloadSettings,
  Payloads,
  RoundContext,
} from "../algorithms/algorithm.ts";
import { Contract, describe, isRecord, isTensor, type Origin } from "../config/contract.ts";
import type { Layout } from "../params/layout.ts";
import { isVector } from "../params/vector.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import { checkParts } from "./check-parts.ts";

/** An own method whose results are checked against what it declares, and its payloads. */
export interface CheckedMethod {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
}

/**
 * The method with every result checked: names and shapes of uploads and client state while the client half is traced,
 * what the server broadcasts in every round. What its server half returns is checked by the method itself. The server half
 * of a file is tried once with aggregates of zeros, so that a mistake shows before the run begins.
 *
 * Throws `method/...`, naming the file, the part, and the nearest right name.
 */
export function checkedMethod(
  method: Algorithm,
  layout: Layout,
  origin: Origin | undefined,
  settings: PayloadSettings = {},
): CheckedMethod {
  const contract = new Contract("method", `own method ${JSON.stringify(method.name)}`, origin);
  const payloads = contract.attempt("the layouts", () => method.payloads(layout, settings));
  // its vectors are not those that its client half reads and gives
  if (payloads.replay !== undefined) return { algorithm: method, payloads };
  checkParts(contract, payloads);
  const { assign } = method;
  const algorithm: Algorithm = {
    ...method,
    payloads: () => payloads,
    client: checkedClient(method.client, payloads, contract),
    ...(assign === undefined
      ? {}
      : { assign: (...given) => contract.attempt("assign(...)", () => assign.apply(method, given)) }),
    ...checkedServer(method, payloads, contract),
  };
  if (origin !== undefined) tryServer(algorithm, payloads, layout);
  return { algorithm, payloads };
}

function checkedClient(client: ClientHalf, payloads: Payloads, contract: Contract): ClientHalf {
  const { draws, refresh, penalty } = client;
  for (const [name, draw] of Object.entries(draws ?? {}))
    contract.word("draws", `local.draws.${name}.kind`, draw?.kind, ["signs", "uniform"]);
  return {
    ...client,
    ...(draws === undefined ? {} : { draws }),
    ...(refresh === undefined
      ? {}
      : { refresh: (...given) => contract.attempt("local.refresh(...)", () => client.refresh!(...given)) }),
    ...(penalty === undefined
      ? {}
      : {
          penalty(...given) {
            const part = "local.penalty(...)";
            const value = contract.attempt(part, () => client.penalty!(...given));
            contract.tensor(part, value, []);
            return value;
          },
        }),
    begin(local, settings) {
      const carry = contract.attempt("local.begin(...)", () => client.begin(local, settings));
      requireTensors(contract, "local.begin(...)", carry);
      return carry;
    },
    step(carry, local, settings) {
      const part = "local.step(...)";
      const next = contract.attempt(part, () => client.step(carry, local, settings));
      contract.names("step", "a local step returns the wrong parts", part, next, STEP);
      contract.tensor(`${part}.loss`, next.loss, []);
      requireTensors(contract, `${part}.carry`, next.carry);
      requireSameCarry(contract, carry, next.carry);
      return next;
    },
    end(carry, local) {
      const part = "local.end(...)";
      const result = contract.attempt(part, () => client.end(carry, local));
      contract.names("result", "the client half ends with the wrong parts", part, result, RESULT);
      const up = Object.fromEntries(Object.entries(payloads.upload).map(([name, { layout }]) => [name, layout]));
      requireVectors(contract, "update", result, up, "upload");
      requireVectors(contract, "state", result, payloads.clientState, "client");
      return result;
    },
  };
}

const STEP = { required: ["carry", "loss"], source: "ClientHalf" };
const RESULT = { required: ["update", "state"], source: "ClientResult" };

function requireVectors(
  contract: Contract,
  key: keyof ClientResult,
  result: ClientResult,
  layouts: Readonly<Record<string, Layout>>,
  source: string,
): void {
  const part = `local.end(...).${key}`;
  const [reason, what] = key === "update" ? ["upload", "sends"] : ["client-state", "keeps"];
  const message = `the client half ${what} other vectors than the method declares`;
  contract.names(reason!, message, part, result[key], { required: Object.keys(layouts), source });
  for (const [name, { entries }] of Object.entries(layouts)) {
    const names = { required: entries.map((entry) => entry.name), source };
    const entryMessage = `the client half ${what} other entries than the vector has`;
    const tensors = contract.names("entries", entryMessage, `${part}.${name}`, result[key][name], names);
    for (const entry of entries) {
      // a scalar is the only entry of a vector of its name
      const place = entry.name === name && entry.shape.length === 0 ? "" : `["${entry.name}"]`;
      contract.tensor(`${part}.${name}${place}`, tensors[entry.name], entry.shape);
    }
  }
}

/** Refuses whatever is neither a tensor nor a record of such trees. */
function requireTensors(contract: Contract, part: string, tree: unknown): asserts tree is TensorTree {
  if (isTensor(tree)) return;
  if (!isRecord(tree) || ArrayBuffer.isView(tree)) {
    contract.tensor(part, tree);
    return;
  }
  for (const [name, below] of Object.entries(tree)) requireTensors(contract, `${part}.${name}`, below);
}

function requireSameCarry(contract: Contract, before: TensorTree, after: TensorTree): void {
  const types = (tree: TensorTree) => tensorLeaves(tree).map(({ path, leaf }) => `${path} ${describe(leaf)}`);
  const [old, now] = [types(before), types(after)];
  const gone = old.find((text) => !now.includes(text));
  const come = now.find((text) => !old.includes(text));
  if (gone === undefined && come === undefined) return;
  throw contract.breach(
    "carry",
    "a local step returns another carry than it was given",
    "local.step(...).carry",
    come ?? "nothing",
    gone ?? "nothing",
    "Every step must return the names, types and shapes that begin returned.",
  );
}

function checkedServer(
  method: Algorithm,
  payloads: Payloads,
  contract: Contract,
): Pick<Algorithm, "init" | "broadcast" | "update"> {
  return {
    init: (...given) => contract.attempt("start(...)", () => method.init(...given)),
    broadcast(...given) {
      const vectors = contract.attempt("compute(...)", () => method.broadcast(...given));
      for (const [name, { size }] of Object.entries(payloads.broadcast)) {
        const vector = vectors[name];
        if (isVector(vector) && vector.length === size) continue;
        const message = "a vector has the wrong type or length";
        const expected = `a Float32Array or Float64Array of ${size}`;
        throw contract.breach("vector", message, `broadcast.${name}`, describe(vector), expected);
      }
      return vectors;
    },
    update: (...given) => contract.attempt("update(...)", () => method.update(...given)),
  };
}

/** One round of the server half, with zeros from clients; what it returns is checked and forgotten. */
function tryServer(algorithm: Algorithm, payloads: Payloads, layout: Layout): void {
  const state = algorithm.init(new Float32Array(layout.size), layout);
  algorithm.broadcast(state, algorithm.privacy === undefined ? {} : { [CLIP_NORM]: 1 }, 1);
  const zeros = Object.entries(payloads.upload).map(([name, up]) => [name, new Float32Array(up.layout.size)] as const);
  const round: RoundContext = {
    round: 1,
    cohortSize: 1,
    population: 1,
    learningRate: 1,
    localSteps: 1,
    weightedSteps: 1,
    layout,
  };
  algorithm.update(state, Object.fromEntries(zeros), round);
}
