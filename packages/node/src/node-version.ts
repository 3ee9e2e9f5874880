import { AnabranchError } from "@anabranch/engine";

/** The error where this Node lacks something that Node 24 has. `bin/anabranch.mjs` prints the same for the command. */
export function newerNodeNeeded(message: string, where: string, cause: unknown): AnabranchError {
  return new AnabranchError({
    code: "node/version",
    message,
    where,
    received: `Node ${process.version}`,
    expected: "Node 24 or newer, with its default features",
    advice: 'Run "npm install node@24", then start the program with npx: it takes that Node.',
    cause,
  });
}
