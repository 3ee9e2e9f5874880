import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { AnabranchError } from "@anabranch/engine";

/**
 * The bytes of a regular file. A pipe would block for ever and a device would never end, so both are refused.
 *
 * @param maxBytes largest file
 * @throws `data/unreadable`, `data/too-large`
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  let handle: FileHandle | undefined;
  try {
    // Without O_NONBLOCK the call that opens a pipe does not return; on Windows there is neither.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const found = await handle.stat();
    if (!found.isFile())
      throw unreadable(path, found.isDirectory() ? "a folder" : "a pipe or device", "a regular file");
    if (found.size > maxBytes) throw tooLarge(path, found.size, maxBytes);
    return await readWhole(handle, found.size);
  } catch (cause) {
    if (cause instanceof AnabranchError) throw cause;
    const received = cause instanceof Error ? cause.message : String(cause);
    throw unreadable(path, received, "a file that this user may read", cause);
  } finally {
    await handle?.close();
  }
}

async function readWhole(handle: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(bytes, at, size - at, at);
    if (bytesRead === 0) return bytes.slice(0, at); // it was cut meanwhile
    at += bytesRead;
  }
  return bytes;
}

function unreadable(path: string, received: string, expected: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "data/unreadable",
    message: "a file of the data set cannot be read",
    where: path,
    received,
    expected,
    cause,
  });
}

function tooLarge(path: string, size: number, maxBytes: number): AnabranchError {
  return new AnabranchError({
    code: "data/too-large",
    message: "a file is larger than can be read",
    where: path,
    received: `${size.toLocaleString("en")} bytes`,
    expected: `at most ${maxBytes.toLocaleString("en")}`,
    advice: "Use a part of the data set, or load it with a module of your own (module:FILE).",
  });
}
