import { expect, it } from "vitest";
import { csvColumns } from "./files.ts";

it.each([
  ["age,sick\n1,yes\n", ["age", "sick"]],
  ["\uFEFFage, sick\r\n", ["age", "sick"]],
  ['"a, b","say ""x""",c\n', ["a, b", 'say "x"', "c"]],
  ["", []],
])("reads the names of the columns of %j", async (text, names) => {
  expect(await csvColumns(new File([text], "table.csv"))).toEqual(names);
});
