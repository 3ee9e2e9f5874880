import { commentedTemplate } from "@anabranch/core";
import { csv } from "./csv.ts";
import { exampleText } from "./example-text.ts";
import { federationWith } from "./own-parts.ts";
import { nameOf } from "./run-name.ts";
import type { NewFiles, Template, TemplateRequest } from "./template.ts";

const FILE = "federation.toml";

/** What `anabranch new` writes without --template: the quickstart federation, every key with its meaning and default. */
export const commented: Template = {
  name: "commented",
  description: "every key with its meaning and default",
  make: ({ file = FILE }) => run(file, commentedTemplate(nameOf(file))),
};

/** The kinds of `anabranch new --template NAME`, in the order of the help. */
export const templates: readonly Template[] = [
  fromExample("quickstart", "100 clients with Fashion-MNIST"),
  csv,
  fromExample("private", "differential privacy with a target epsilon"),
  fromExample("secure", "secure aggregation with noise from the clients"),
  {
    name: "sweep",
    description: "methods, a grid and seeds, with the configuration that they vary",
    make({ file = "sweep.toml" }) {
      const base = file.replace(/(\.toml)?$/, "-base.toml");
      const name = nameOf(file);
      const text = exampleText("sweep.toml", { name, path: file }).replace(
        'base = "quickstart.toml"',
        () => `base = ${JSON.stringify(base.split(/[/\\]/).at(-1))}`,
      );
      const files = [
        { path: file, text },
        { path: base, text: exampleText("quickstart.toml", { name, path: base }) },
      ];
      return { files, next: `anabranch sweep ${file} --plan` };
    },
  },
  {
    name: "own-model",
    description: "a model of your own in TypeScript, beside the configuration",
    make: ({ file = FILE }) => withOwn({ model: true }, file),
  },
  {
    name: "own-method",
    description: "a federated method of your own in TypeScript, beside the configuration",
    make: ({ file = FILE }) => withOwn({ method: true }, file),
  },
];

function fromExample(name: "quickstart" | "private" | "secure", description: string): Template {
  return {
    name,
    description,
    make: ({ file = FILE }: TemplateRequest) =>
      run(file, exampleText(`${name}.toml`, { name: nameOf(file), path: file })),
  };
}

function run(path: string, text: string): NewFiles {
  return { files: [{ path, text }], next: `anabranch run ${path}` };
}

function withOwn(parts: Parameters<typeof federationWith>[0], file: string): NewFiles {
  return { files: federationWith(parts, file, nameOf(file)), next: `anabranch run ${file}` };
}
