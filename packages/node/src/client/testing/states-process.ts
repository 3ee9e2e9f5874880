import { openClientFolder } from "../client-folder.ts";
import { keptStatesIn } from "../kept-states-folder.ts";

/** A client that saves one state after the other, each made from the one before, until a test kills it. */
const states = keptStatesIn(await openClientFolder(process.argv[2]!));
for (let version = Number(process.argv[3]) + 1; ; version++) {
  await states.load("abc234", version - 1);
  await states.save("abc234", version, {
    control: new Float32Array(1000).fill(version),
    moment: new Float64Array([version, -0]),
  });
  process.send?.(version);
}
