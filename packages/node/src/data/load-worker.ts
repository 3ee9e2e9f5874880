/** The thread that reads foreign files, in the process that is there for nothing else. */
import { parentPort, workerData } from "node:worker_threads";
import { checkDataset, type TrainTest } from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import { fileAccess } from "./file-access.ts";
import { arraysOf, type LoadRequest, type ThreadMessage } from "./load-messages.ts";
import { loadLocalFiles } from "./local-files.ts";
import { publishedDatasets } from "./published.ts";

const port = parentPort!;
const post = (message: ThreadMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

async function load(request: LoadRequest): Promise<TrainTest | undefined> {
  const allow = (milliseconds: number) => post({ type: "allow", milliseconds });
  if (request.kind === "local") return loadLocalFiles(request.from, request, fileAccess(allow), request.reading);
  const dataset = publishedDatasets.find(({ folders: [name] }) => name === request.name)!;
  for (const { path, checksums } of request.folders) {
    const found = await dataset.read(path, request.name, fileAccess(allow, checksums));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function answer(): Promise<void> {
  try {
    post({ type: "started" });
    const data = await load(workerData as LoadRequest);
    if (data === undefined) return post({ type: "loaded", data });
    for (const part of [data.train, data.test]) checkDataset(part);
    const arrays = [data.train, data.test].flatMap((part) => Object.values(arraysOf(part)));
    const buffers = arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
    post({ type: "loaded", data }, [...new Set(buffers)]); // they move without a copy
  } catch (error) {
    if (!(error instanceof AnabranchError))
      return post({ type: "failed", error: error instanceof Error ? error : new Error(String(error)) });
    const { cause: _cause, ...failure } = error.failure;
    post({ type: "refused", failure });
  }
}

await answer();
