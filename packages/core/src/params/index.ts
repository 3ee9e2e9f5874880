export * from "./initialize.ts";
export * from "./layout.ts";
export {
  type HeldParameters,
  heldOf,
  joinParameters,
  type ParameterSplit,
  partOf,
  type Selectors,
  type Standing,
  splitParameters,
} from "./standing.ts";
export * from "./vector.ts";
export type * from "./widths.ts";
