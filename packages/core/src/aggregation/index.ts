export * from "./fold.ts";
export * from "./update-set.ts";
