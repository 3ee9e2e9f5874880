import { join } from "node:path";
import * as z from "zod";
import { openRunFolder, type RunFolder, writeRunFile } from "../store/run-folder.ts";

/** What a run was served with that its configuration does not have. */
const serveSettings = z.object({ clients: z.int().min(1) });

const fileName = "serve.json";
const longestFile = 8192;

/** Keeps with a run how many clients it waits for, so that `serve --resume` need not be told again. */
export async function keepMinimumClients({ files, folder }: RunFolder, clients: number): Promise<void> {
  await writeRunFile(join(folder, fileName), `${JSON.stringify({ clients })}\n`, files);
}

/** What was kept with the run in a folder; undefined where nothing can be read. */
export async function keptMinimumClients(folder: string): Promise<number | undefined> {
  const run = await openRunFolder(folder);
  const bytes = await run.files.read(join(run.folder, fileName), longestFile);
  try {
    return serveSettings.safeParse(JSON.parse(Buffer.from(bytes ?? []).toString("utf8"))).data?.clients;
  } catch {
    return undefined;
  }
}
