/**
 * Split training with both sides really apart: the client has features, labels, head and tail, the server the body, and they
 * know of each other what four messages of a batch say. Simulations compute the same gradient without the cut.
 */
import { AnabranchError, type Executable, type Executor, type HostTensor, type HostTensors } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import { type CutSettings, cutModel, type ModelPart } from "../models/model-cut.ts";
import type { Vector } from "../params/vector.ts";
import {
  decodeSplitMessage,
  encodeSplitMessage,
  type SplitMessage,
  type SplitMessageKind,
} from "../protocol/split-message.ts";
import { splitPrograms } from "./split-programs.ts";

/** Values of parameters by name. */
export type ParameterValues = Readonly<Record<string, HostTensor>>;

/** Where a model is cut, and which of its parameters learn. */
export interface SplitSession extends CutSettings {
  /** Rows of a batch. */
  readonly rows: number;
  readonly trained: readonly string[];
}

/** A batch that stays at the client, and what names it in messages. */
export interface SplitBatch extends Pick<SplitMessage, "round" | "client" | "step"> {
  readonly features: HostTensor;
  readonly labels: HostTensor;
  /** How much each row counts, [rows], of sum 1. */
  readonly weights: HostTensor;
}

/** What a client has learned from a batch. */
export interface SplitGradient {
  readonly loss: number;
  readonly gradients: ParameterValues;
}

/** Sends a message to the server and resolves to its answer. */
export type SendSplitMessage = (message: Uint8Array) => Promise<Uint8Array>;

/** The server of split training. */
export interface SplitServer {
  readonly answer: SendSplitMessage;
  close(): Promise<void>;
}

/** The client of split training. */
export interface SplitClient {
  step(batch: SplitBatch, send: SendSplitMessage): Promise<SplitGradient>;
  close(): Promise<void>;
}

/**
 * The server of split training: answers activations with those behind the body, and their gradient with that before it.
 *
 * @param parameters of the body alone
 * @throws `model/cut`; the answer `protocol/...` for what is no message of a batch
 * @example
 * ```ts
 * import { layout, splitServer, vit } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const model = vit({ input: [1, 4, 4], patch: 2, width: 4, heads: 1, depth: 3, classes: 2 });
 * const of = (shape: readonly number[]) => ({ dtype: "float", shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) }) as const;
 * const parameters = Object.fromEntries(layout(model.parameters).entries.map(({ name, shape }) => [name, of(shape)]));
 * const session = { headBlocks: 1, tailBlocks: 1, rows: 2, trained: ["head.bias"] };
 * const { answer } = await splitServer(model, session, parameters, interpreter());
 * await answer(Uint8Array.of(1)).catch(({ failure }) => failure.code); // => "safetensors/truncated"
 * ```
 */
export async function splitServer(
  model: Model,
  session: SplitSession,
  parameters: ParameterValues,
  executor: Executor,
): Promise<SplitServer> {
  const { body, bodyBackward } = splitPrograms(model, session, session.rows, new Set(session.trained));
  const [forward, backward] = [await executor.load(body), await executor.load(bodyBackward)];
  const { body: part, activation } = cutModel(model, session);
  const own = valuesOf(part, parameters);
  const shape = [session.rows, ...activation];
  /** One batch of each client: a new one takes the place of one that was never finished. */
  const waiting = new Map<number, SplitMessage>();
  const answer = async (bytes: Uint8Array) => {
    const message = decodeSplitMessage(bytes);
    requireShape(message, shape);
    const { kind, round, client, step } = message;
    if (kind === "activations") {
      waiting.set(client, message);
      const { activations } = await forward.run({ ...own, activations: tensorOf(message) });
      return answerTo(message, "outputs", activations!);
    }
    const known = waiting.get(client);
    if (kind !== "output-gradient" || known?.round !== round || known.step !== step)
      throw unexpected(kind, "activations first");
    waiting.delete(client);
    const { gradient } = await backward.run({ ...own, activations: tensorOf(known), gradient: tensorOf(message) });
    return answerTo(message, "activation-gradient", gradient!);
  };
  return { answer, close: () => released(forward, backward) };
}

/**
 * The client of split training: the mean loss of a batch and its gradients, of head and tail, by two questions to the server.
 *
 * @param parameters of head and tail alone
 * @throws `model/cut`; the step what `send` throws, and `protocol/...` for answers that are none
 * @example
 * ```ts
 * import { layout, splitClient, splitServer, vit } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const model = vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, heads: 1, depth: 3, classes: 2 });
 * const of = (shape: readonly number[]) => ({ dtype: "float", shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) }) as const;
 * const parameters = Object.fromEntries(layout(model.parameters).entries.map(({ name, shape }) => [name, of(shape)]));
 * const session = { headBlocks: 1, tailBlocks: 1, rows: 2, trained: ["head.bias"] };
 * const { answer } = await splitServer(model, session, parameters, interpreter());
 * const { step } = await splitClient(model, session, parameters, interpreter());
 * const labels = { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 0) } as const;
 * const batch = { features: of([2, 1, 4, 4]), labels, weights: { ...of([2]), data: Float64Array.of(0.5, 0.5) } };
 * const { gradients } = await step({ ...batch, round: 1, client: 0, step: 0 }, answer);
 * gradients["head.bias"]?.data; // => [-0.5, 0.5]
 * ```
 */
export async function splitClient(
  model: Model,
  session: SplitSession,
  parameters: ParameterValues,
  executor: Executor,
): Promise<SplitClient> {
  const programs = splitPrograms(model, session, session.rows, new Set(session.trained));
  const [head, tail] = [await executor.load(programs.head), await executor.load(programs.tail)];
  const backward = programs.headBackward && (await executor.load(programs.headBackward));
  const cut = cutModel(model, session);
  const shape = [session.rows, ...cut.activation];
  const [inHead, inTail] = [valuesOf(cut.head, parameters), valuesOf(cut.tail, parameters)];
  const step: SplitClient["step"] = async ({ features, labels, weights, ...names }, send) => {
    const ask = async (kind: SplitMessageKind, tensor: HostTensor, expected: SplitMessageKind) => {
      const answer = decodeSplitMessage(await send(answerTo(names, kind, tensor)));
      if (answer.kind !== expected) throw unexpected(answer.kind, expected);
      requireShape(answer, shape);
      return tensorOf(answer);
    };
    const { activations: h } = await head.run({ ...inHead, features });
    const z = await ask("activations", h!, "outputs");
    const { loss, gradient, ...found } = await tail.run({ ...inTail, activations: z, labels, weights });
    const dh = await ask("output-gradient", gradient!, "activation-gradient");
    const below = await gradientsBelow(backward, { ...inHead, features, gradient: dh });
    return { loss: loss!.data[0]!, gradients: { ...gradientsIn(found), ...gradientsIn(below) } };
  };
  return { step, close: () => released(head, tail, backward) };
}

async function released(...executables: readonly (Executable | undefined)[]): Promise<void> {
  for (const executable of executables) await executable?.release();
}

async function gradientsBelow(backward: Executable | undefined, inputs: HostTensors): Promise<HostTensors> {
  return backward === undefined ? {} : backward.run(inputs);
}

const GRADIENT = "gradients/";

function gradientsIn(outputs: HostTensors): ParameterValues {
  const named = Object.entries(outputs).filter(([name]) => name.startsWith(GRADIENT));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(GRADIENT.length), value]));
}

function valuesOf({ parameters }: ModelPart, values: ParameterValues): HostTensors {
  return Object.fromEntries(parameters.map(({ name }) => [`parameters/${name}`, values[name]!]));
}

function tensorOf({ shape, values }: SplitMessage): HostTensor {
  return { dtype: "float", shape, data: values };
}

function answerTo(
  { round, client, step }: Pick<SplitMessage, "round" | "client" | "step">,
  kind: SplitMessageKind,
  { shape, data }: HostTensor,
): Uint8Array {
  return encodeSplitMessage({ kind, round, client, step, shape, values: data as Vector });
}

function requireShape({ shape }: SplitMessage, expected: readonly number[]): void {
  if (shape.join() === expected.join()) return;
  throw new AnabranchError({
    code: "protocol/invalid",
    message: "the message is malformed",
    where: "split training",
    received: `values of shape [${shape.join(", ")}]`,
    expected: `[${expected.join(", ")}]`,
    advice: "Both sides have to cut the same model at the same places, for batches of as many rows.",
  });
}

function unexpected(received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "protocol/kind",
    message: "the message is not what was waited for",
    where: "split training",
    received,
    expected,
  });
}
