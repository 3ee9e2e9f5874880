export * from "./initialize.ts";
export * from "./layout.ts";
export * from "./standing.ts";
export * from "./vector.ts";
export type * from "./widths.ts";
