/** Training by the server on the labelled public examples of a run (`data.publicExamples`). */
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { RandomStream } from "../random/index.ts";
import type { SubModel, SubModels } from "../submodels/index.ts";

type Model = SubModel["model"];
type ModelParameters = Parameters<Model["forward"]>[0];

/** Something from which the parameters of a model are made, traced: the server trains it by the loss of that model. */
export interface PublicTask {
  /** Tells it from the other tasks of the method. */
  readonly name: string;
  readonly model: Model;
  /** Of the model's parameters. */
  readonly made: Layout;
  readonly trained: Layout;
  /** What else the parameters are made of. */
  readonly given: Readonly<Record<string, Layout>>;
  make(trained: ModelParameters, given: Readonly<Record<string, ModelParameters>>): ModelParameters;
}

export interface PublicTrainingSettings {
  /** 0: what is trained stays as it is. */
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  /** Share of the public examples that choose the best epoch, by their loss, and are not trained on; 0: the last epoch. */
  readonly validation: number;
  /** Of the order of the examples. */
  readonly path: readonly (string | number)[];
}

/** What is trained after the best epoch, and the parameters that it makes. */
export interface Trained {
  readonly trained: Vector;
  readonly made: Vector;
}

/** Trains on the public examples, which nobody else sees with their labels. */
export interface PublicTrainer {
  readonly model: Model;
  readonly layout: Layout;
  readonly subModels: SubModels | undefined;
  /** Adam from `trained`, on all public examples but those that choose. */
  train(
    task: PublicTask,
    start: { readonly trained: Vector; readonly given: Readonly<Record<string, Vector>> },
    settings: PublicTrainingSettings,
  ): Promise<Trained>;
  /** Random numbers of the server, from the run's seed. */
  random(...path: readonly (string | number)[]): RandomStream;
}

/** What a method trains before and after the clients of a round. */
export interface PublicTraining<State, Round> {
  /** The model that clients of a part of `Algorithm.widths` are given; undefined: a slice of the large one. */
  subModel(state: State, part: number): Vector | undefined;
  /** The state from which a round (1-based) is broadcast. */
  open(state: State, round: number, trainer: PublicTrainer): Promise<State>;
  /** What the server half gets in place of what came up. */
  close(
    state: State,
    aggregate: Readonly<Record<string, Vector>>,
    round: Round,
    trainer: PublicTrainer,
  ): Promise<Readonly<Record<string, Vector>>>;
}
