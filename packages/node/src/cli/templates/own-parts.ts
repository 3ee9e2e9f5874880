import { basename, dirname, join } from "node:path";
import { exampleText } from "./example-text.ts";
import type { NewFile } from "./template.ts";

/** Which parts of a federation are files of the user. */
export interface OwnParts {
  readonly model?: boolean;
  readonly method?: boolean;
}

const MODEL = [
  "[model]",
  'name = "cnn-28x28"',
  'file = "model.ts"      # its default export creates the model\nhidden = 64',
];
const METHOD = [
  "[algorithm]",
  'name = "fedavg"',
  'file = "method.ts"     # its default export is the method\ndamping = 0.5',
];

/** The quickstart federation with an own model, method or both, in files beside it. */
export function federationWith({ model = false, method = false }: OwnParts, path: string, name: string): NewFile[] {
  let text = exampleText("quickstart.toml", { name, path: basename(path) });
  if (model) text = withFile(text, MODEL);
  if (method) text = withFile(text, METHOD);
  const beside = (file: string) => join(dirname(path), file);
  const code = (example: "own-model.ts" | "own-algorithm.ts", file: string) => ({
    path: beside(file),
    text: exampleText(example, { path: basename(file) }),
  });
  return [
    { path, text },
    ...(model ? [code("own-model.ts", "model.ts")] : []),
    ...(method ? [code("own-algorithm.ts", "method.ts")] : []),
  ];
}

function withFile(text: string, [section, named, file]: readonly string[]): string {
  return text.replace(`${section}\n${named}`, `${section}\n${file}`);
}
