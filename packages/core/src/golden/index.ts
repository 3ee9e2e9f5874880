export type { Operation } from "./operation.ts";
export { goldenCase, operations, runGolden } from "./run-golden.ts";
