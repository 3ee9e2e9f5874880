import { openClientFolder } from "../client-folder.ts";
import { openIdentity } from "../identity-file.ts";

/** A client that a test kills while it opens, or makes, its identity. */
process.send?.("begin");
const folder = await openClientFolder(process.argv[2]!);
process.send?.((await openIdentity(folder)).publicKey);
await new Promise((resolve) => setTimeout(resolve, 10_000));
