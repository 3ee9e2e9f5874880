/**
 * What the process that reads foreign files needs, for a start in half the time: a part of the main entry, which loads
 * every method, rule and configuration. Not for use outside of Anabranch's own packages.
 */
export * from "./data/index.ts";
export { deriveKey, rootKey } from "./random/index.ts";
export { nearest } from "./text/nearest.ts";
