export * from "./critical-parameters.ts";
export * from "./fold.ts";
export * from "./partial-fold.ts";
export * from "./robust/index.ts";
export * from "./sliced-fold.ts";
export * from "./stack.ts";
export * from "./tree-fold.ts";
