import { AnabranchError } from "@anabranch/engine";
import { type ClassShape, classLayout, classMessage, readClassMessage } from "../heterogeneity/class-message.ts";
import type { ClassStatistics } from "../heterogeneity/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { ParameterTensors } from "./algorithm.ts";
import { type Head, headOf } from "./head.ts";
import type { Representations } from "./needs.ts";
import { each, type OwnShape, ownLayout, type UploadShape } from "./shapes.ts";

/** What a client tells of its classes: of those with so many examples the mean, and perhaps the covariance. */
export interface ClassUpload {
  readonly minimumCount: number;
  readonly covariances: boolean;
}

/**
 * The statistics of classes as a vector that clients of a method send: the server has each client's message by itself, so
 * that it can merge them exactly or take the classes of clients one by one.
 */
export function classUploads(method: string, upload: ClassUpload) {
  const shapeOf = (model: Layout): ClassShape => linearHead(model, method);
  return {
    /** Of one client's message, for a model whose shared parameters are its head. */
    shape: ownLayout((model) => classLayout(shapeOf(model), upload.covariances)),
    /** The declaration among `upload`. */
    get declared(): UploadShape<OwnShape> {
      return each(this.shape, { classStatistics: true });
    },
    /** A client's message, traced. */
    message: (representations: Representations, model: Layout): ParameterTensors =>
      classMessage(representations, shapeOf(model).classes, upload),
    /** By client and class, in the order of `RoundContext.clients`; undefined where a client told nothing of a class. */
    read(uploads: Vector, model: Layout): (readonly (ClassStatistics | undefined)[])[] {
      const shape = shapeOf(model);
      const { size } = classLayout(shape, upload.covariances);
      return Array.from({ length: uploads.length / size }, (_, row) =>
        readClassMessage(uploads.subarray(row * size, (row + 1) * size), shape, upload.covariances),
      );
    },
  };
}

/** A linear layer and its entries. */
export type LinearHead = Head & Record<"weight" | "bias", NonNullable<Head["weight"]>>;

/** The head where it is all that is shared. Throws `method/head` and `method/shares-more`. */
export function linearHead(model: Layout, method: string): LinearHead {
  const head = headOf(model, method);
  const others = model.entries.filter(({ role }) => role !== "head");
  if (head.weight !== undefined && others.length === 0) return head as LinearHead;
  throw new AnabranchError({
    code: "method/shares-more",
    message: "clients of the method share a linear head, and nothing else",
    where: `algorithm.name = "${method}"`,
    received:
      head.weight === undefined ? "a head that is not a linear layer" : others.map(({ name }) => name).join(", "),
    expected: "one weight [features, classes] and its bias",
    advice: "Leave [parameters] out, and use a classifier such as the model mlp.",
  });
}
