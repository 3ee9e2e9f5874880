import { setFlagsFromString } from "node:v8";

/**
 * Has V8 collect garbage by the size of all memory, not by the bytes of tensors since the last time. Updates come and go
 * without end: by default a server with a model of 6.5 MB spends half of its processor time in three collections per
 * round. Memory grows by 40 % before the next one; measured in bench/RESULTS.md. For the whole process, so for commands only.
 */
export function collectByWholeMemory(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--heap-growing-percent=40");
}
