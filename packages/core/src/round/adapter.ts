import type { PersonalWork } from "../algorithms/needs.ts";
import type { Vector } from "../params/vector.ts";

/** Local SGD on a client's own examples: so much of it, at this learning rate, or at that of the round. */
export interface Adaptation {
  readonly budget: PersonalWork;
  readonly learningRate?: number | undefined;
}

/** Trains a model on one client's own examples, for evaluation alone: nothing of it is kept. */
export interface Adapter {
  /** @param parameters the global model; returns one like it */
  adapt(client: number, round: number, parameters: Vector): Promise<Vector>;
}
