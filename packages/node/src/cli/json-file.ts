import { readFile } from "node:fs/promises";
import { AnabranchError } from "@anabranch/core";

/** The JSON in a file. Throws `AREA/file` where it cannot be read, `AREA/json` where it is none. */
export async function readJsonFile(file: string, area: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: Error) => {
    throw new AnabranchError({
      code: `${area}/file`,
      message: "the file cannot be read",
      where: file,
      received: cause.message,
      cause,
    });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const received = (cause as Error).message;
    throw new AnabranchError({
      code: `${area}/json`,
      message: "the file is not valid JSON",
      where: file,
      received,
      cause,
    });
  }
}
