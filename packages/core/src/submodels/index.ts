export * from "./convolved-weights.ts";
export * from "./exploration-mask.ts";
export * from "./sign-network.ts";
export * from "./slices.ts";
export * from "./sub-models.ts";
export * from "./unit-axes.ts";
