export * from "./fold.ts";
export * from "./partial-fold.ts";
