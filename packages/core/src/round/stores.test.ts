import { describe, it } from "vitest";
import { blobStoreCases, clientStateCases } from "../conformance/index.ts";
import { memoryBlobStore } from "./blob-store.ts";
import { memoryClientStates } from "./memory-client-states.ts";

describe("blobs in memory", () => {
  for (const { name, run } of blobStoreCases(async () => memoryBlobStore())) it(name, run);
});

describe("client states in memory", () => {
  for (const { name, run } of clientStateCases(async () => memoryClientStates)) it(name, run);
});
