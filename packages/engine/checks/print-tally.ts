import { afterAll } from "vitest";
import { tally } from "../src/testing/check.ts";

// `npm run checks` reads this line after each test file
afterAll(() => {
  if (tally().length > 0) console.log(`tally ${JSON.stringify(tally())}`);
});
