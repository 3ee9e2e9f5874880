export * from "./graph.ts";
export * from "./spectrum.ts";
export * from "./topology.ts";
export * from "./weights.ts";
