import type { TensorTree } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Algorithm, ClientHalf, RoundContext } from "./algorithm.ts";
import type { ClientValues, ServerShapes, ServerValues, Shapes, ShapesOf, UploadShapes } from "./shapes.ts";

/** The vectors of a method: on the server, on each client, and on the wire. */
export interface MethodVectors<
  S extends ServerShapes = ServerShapes,
  C extends Shapes = Shapes,
  U extends UploadShapes = UploadShapes,
  B extends keyof S = keyof S,
  E extends Shapes = Shapes,
> {
  /** State of the server; `parameters` is the global model. Zeros at the start, unless `start` gives other values. */
  readonly server: S;
  /** State that a client keeps between its rounds; zeros at its first. Default: none. */
  readonly client?: C;
  readonly upload: U;
  /** Vectors of the server that go down. Default: all of them. */
  readonly broadcast?: readonly B[];
  /** What goes down beside them; `compute` gives the values. Default: nothing. */
  readonly computed?: E;
  /** What clients send that do not send everything: for each part the entries of every upload, see `Payloads.parts`. */
  parts?(model: Layout): readonly { readonly [N in keyof U]: Layout }[];
}

/** What the halves of a method compute, with the names and types of its vectors. */
export interface MethodHalves<
  S extends ServerShapes = ServerShapes,
  C extends Shapes = Shapes,
  U extends UploadShapes = UploadShapes,
  B extends keyof S = keyof S,
  E extends Shapes = Shapes,
  K extends TensorTree = TensorTree,
> extends Pick<
    Algorithm,
    | "assign"
    | "defaultCompression"
    | "countsSteps"
    | "wholePopulation"
    | "buffer"
    | "schedule"
    | "sendsModels"
    | "gossip"
    | "trains"
    | "adapts"
    | "personal"
    | "frozen"
    | "splitTraining"
    | "ownModel"
    | "served"
    | "adaptation"
    | "widths"
  > {
  /** Values at the start of the server's vectors that are not zeros, from the model's parameters [d] and their layout. */
  start?(parameters: Vector, model: Layout): Partial<ServerValues<S>>;
  /** Values of `computed` for a round. `clipNorm` is that of a private round. */
  compute?(server: ServerValues<S>, round: BroadcastContext): ServerValues<E>;
  /** The traced client half. */
  readonly local: ClientHalf<ClientValues<Pick<S, B> & E>, ClientValues<C>, ClientValues<ShapesOf<U>>, K>;
  /** The server half: the next state from this one and what the uploads came to. Inputs stay untouched. */
  update(server: ServerValues<S>, upload: ServerValues<ShapesOf<U>>, round: RoundContext): ServerValues<S>;
  /** Present in private methods, see `PrivacyNeeds`. */
  readonly privacy?: {
    readonly unit?: "clients" | "records";
    clipNorm?(server: ServerValues<S>, configured: number, round: RoundContext): number;
  };
}

export interface BroadcastContext {
  /** 1-based. */
  readonly round: number;
  /** Undefined in rounds that are not private. */
  readonly clipNorm: number | undefined;
}

/** An algorithm without its name and options. */
export type MethodBody = Omit<Algorithm, "name" | "options">;
