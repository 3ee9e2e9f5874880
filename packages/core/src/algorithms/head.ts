import { AnabranchError } from "@anabranch/engine";
import { type Layout, type LayoutEntry, subLayout } from "../params/layout.ts";

/** The last layer of a model, whose parameters have the role "head". */
export interface Head {
  readonly layout: Layout;
  /** Weight [features, classes]; undefined where the head is no linear layer, as coordinates of quadratics. */
  readonly weight: LayoutEntry | undefined;
  readonly bias: LayoutEntry | undefined;
  readonly features: number;
  readonly classes: number;
}

/** The head of a model. Throws `method/head` where a model has none, or one of several matrices or without a bias. */
export function headOf(model: Layout, method: string): Head {
  const entries = model.entries.filter(({ role }) => role === "head");
  const matrices = entries.filter(({ shape }) => shape.length === 2);
  const weight = matrices[0];
  const bias = entries.find(({ shape }) => shape.length === 1);
  const [features = 1, classes = 1] = weight?.shape ?? [];
  const isLinear = matrices.length === 1 && bias?.size === classes && entries.length === 2 && classes > 1;
  if (entries.length === 0 || (matrices.length > 0 && !isLinear)) throw noHead(method, entries);
  const layout = subLayout(model, ({ role }) => role === "head");
  return { layout, weight, bias: weight && bias, features, classes };
}

/** The error of a model whose head a method cannot use. */
export function noHead(method: string, entries: readonly LayoutEntry[]): AnabranchError {
  const found = entries.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ");
  return new AnabranchError({
    code: "method/head",
    message: "the method needs the shared head of a classifier",
    where: `algorithm.name = "${method}"`,
    received: found === "" ? "a model without a shared head" : `a head of ${found}`,
    expected: "one weight [features, classes] and its bias, which are not personal or frozen",
    advice: 'Use model "mlp" or another classifier, and leave the head out of [parameters].',
  });
}
