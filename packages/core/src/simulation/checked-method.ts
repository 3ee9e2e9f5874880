import { type TensorTree, tensorLeaves } from "@anabranch/engine";
import type {
  Algorithm,
  ClientHalf,
  ClientResult,
  Payloads,
  RoundContext,
  ServerState,
} from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import { checkPayloads } from "./check-payloads.ts";
import { Contract, describe, isRecord, isTensor, type Origin } from "./contract.ts";

/** An own method whose results are checked against what it declares, and its payloads. */
export interface CheckedMethod {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
}

/**
 * The method with every result checked: names and shapes of uploads and client state while the client half is traced,
 * the server's vectors after every round. The server half of a file is tried once with aggregates of zeros, so that a
 * mistake shows before the run begins. Throws `method/...`, naming the file, the part, and the nearest right name.
 */
export function checkedMethod(method: Algorithm, layout: Layout, origin: Origin | undefined): CheckedMethod {
  const contract = new Contract("method", method.name, origin);
  const payloads = contract.attempt("payloads(...)", () => method.payloads(layout));
  checkPayloads(contract, payloads);
  const server = checkedServer(method, payloads, layout, contract);
  const { countsSteps, wholePopulation, privacy, assign } = method;
  const algorithm: Algorithm = {
    ...method,
    name: method.name,
    options: method.options,
    payloads: () => payloads,
    client: checkedClient(method.client, payloads, contract),
    ...(countsSteps === undefined ? {} : { countsSteps }),
    ...(wholePopulation === undefined ? {} : { wholePopulation }),
    ...(privacy === undefined ? {} : { privacy }),
    ...(assign === undefined
      ? {}
      : { assign: (...given) => contract.attempt("assign(...)", () => method.assign!(...given)) }),
    ...server,
  };
  if (origin !== undefined) tryServer(algorithm, payloads, layout);
  return { algorithm, payloads };
}

function checkedClient(client: ClientHalf, payloads: Payloads, contract: Contract): ClientHalf {
  const { draws, refresh } = client;
  for (const [name, draw] of Object.entries(draws ?? {}))
    contract.word("draws", `client.draws.${name}.kind`, draw?.kind, ["signs", "uniform"]);
  return {
    ...client,
    ...(draws === undefined ? {} : { draws }),
    ...(refresh === undefined
      ? {}
      : { refresh: (...given) => contract.attempt("client.refresh(...)", () => client.refresh!(...given)) }),
    begin(local, settings) {
      const carry = contract.attempt("client.begin(...)", () => client.begin(local, settings));
      requireTensors(contract, "client.begin(...)", carry);
      return carry;
    },
    step(carry, local, settings) {
      const part = "client.step(...)";
      const next = contract.attempt(part, () => client.step(carry, local, settings));
      contract.names("step", "a local step returns the wrong parts", part, next, ["carry", "loss"], "ClientHalf");
      contract.tensor(`${part}.loss`, next.loss, []);
      requireTensors(contract, `${part}.carry`, next.carry);
      requireSameCarry(contract, carry, next.carry);
      return next;
    },
    end(carry, local) {
      const part = "client.end(...)";
      const result = contract.attempt(part, () => client.end(carry, local));
      contract.names("result", "the client half ends with the wrong parts", part, result, RESULT, "ClientResult");
      const up = Object.fromEntries(Object.entries(payloads.upload).map(([name, { layout }]) => [name, layout]));
      requireVectors(contract, "update", result, up, "payloads(...).upload");
      requireVectors(contract, "state", result, payloads.clientState, "payloads(...).clientState");
      return result;
    },
  };
}

const RESULT: readonly (keyof ClientResult)[] = ["update", "state"];

function requireVectors(
  contract: Contract,
  key: keyof ClientResult,
  result: ClientResult,
  layouts: Readonly<Record<string, Layout>>,
  source: string,
): void {
  const part = `client.end(...).${key}`;
  const [reason, what] = key === "update" ? ["upload", "sends"] : ["client-state", "keeps"];
  const message = `the client half ${what} other vectors than the method declares`;
  contract.names(reason!, message, part, result[key], Object.keys(layouts), source);
  for (const [name, { entries }] of Object.entries(layouts)) {
    const names = entries.map((entry) => entry.name);
    const entryMessage = `the client half ${what} other entries than the vector has`;
    const tensors = contract.names("entries", entryMessage, `${part}.${name}`, result[key][name], names, source);
    for (const entry of entries) contract.tensor(`${part}.${name}["${entry.name}"]`, tensors[entry.name], entry.shape);
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
    "client.step(...).carry",
    come ?? "nothing",
    gone ?? "nothing",
    "Every step must return the names, types and shapes that begin returned.",
  );
}

type ServerHalf = Pick<Algorithm, "init" | "broadcast" | "update">;

function checkedServer(method: Algorithm, payloads: Payloads, layout: Layout, contract: Contract): ServerHalf {
  return {
    init(parameters, model) {
      const part = "init(...)";
      const state = contract.attempt(part, () => method.init(parameters, model));
      requireState(contract, part, state);
      if (state.vectors.parameters === undefined) {
        const [received, expected] = [describe(state.vectors), "a vector named parameters"];
        const message = "the server's state lacks the model";
        throw contract.breach("server-state", message, `${part}.vectors`, received, expected);
      }
      for (const [name, vector] of Object.entries(state.vectors)) {
        const size = name === "parameters" || !isVector(vector) ? layout.size : vector.length;
        requireVector(contract, `${part}.vectors.${name}`, vector, size);
      }
      return state;
    },
    broadcast(state, scalars, round) {
      const part = "broadcast(...)";
      const vectors = contract.attempt(part, () => method.broadcast(state, scalars, round));
      const down = Object.entries(payloads.broadcast);
      const message = "the server broadcasts other vectors than the method declares";
      const names = down.map(([name]) => name);
      contract.names("broadcast", message, part, vectors, names, "payloads(...).broadcast");
      for (const [name, { size }] of down) requireVector(contract, `${part}.${name}`, vectors[name], size);
      return vectors;
    },
    update(before, aggregate, round) {
      const part = "update(...)";
      const state = contract.attempt(part, () => method.update(before, aggregate, round));
      requireState(contract, part, state);
      const message = "the server's state has other vectors than at the start";
      const known = Object.entries(before.vectors);
      const names = known.map(([name]) => name);
      contract.names("server-state", message, `${part}.vectors`, state.vectors, names, "init(...).vectors");
      for (const [name, { length }] of known)
        requireVector(contract, `${part}.vectors.${name}`, state.vectors[name], length);
      return state;
    },
  };
}

function requireState(contract: Contract, part: string, state: ServerState): void {
  const message = "the server's state has the wrong parts";
  contract.names("server-state", message, part, state, STATE, "ServerState");
  for (const key of STATE) {
    if (isRecord(state[key])) continue;
    throw contract.breach("server-state", message, `${part}.${key}`, describe(state[key]), "an object");
  }
  for (const [name, value] of Object.entries(state.scalars)) {
    if (typeof value === "number") continue;
    const where = `${part}.scalars.${name}`;
    throw contract.breach("server-state", "a scalar of the server is not a number", where, describe(value), "a number");
  }
}

const STATE: readonly (keyof ServerState)[] = ["vectors", "scalars"];

function isVector(value: unknown): value is Vector {
  return value instanceof Float32Array || value instanceof Float64Array;
}

function requireVector(contract: Contract, part: string, value: unknown, size: number): void {
  if (isVector(value) && value.length === size) return;
  const expected = `a Float32Array or Float64Array of ${size}`;
  throw contract.breach("vector", "a vector has the wrong type or length", part, describe(value), expected);
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
