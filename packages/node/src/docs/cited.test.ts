import * as core from "@anabranch/core";
import {
  ANY_VALUE,
  auditAttacks,
  type ConfigInput,
  modelOptions,
  optionReferences,
  optionUse,
  partitioners,
  references,
  resolveConfig,
  toolReferences,
} from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { listDatasets } from "../data/load-dataset.ts";
import { bibtexEntry, formatBibtex } from "./bibtex.ts";
import { parseCitations } from "./citation.ts";
import { type Cited, citedByConfig, citedByMethod, referencesOf } from "./cited.ts";
import { methodCatalog } from "./method-catalog.ts";
import { readBibtex } from "./testing/read-bibtex.ts";

const read = ({ papers }: Cited) => readBibtex(papers.map(({ entry }) => formatBibtex(entry)).join("\n"));
const uses = ({ papers }: Cited) =>
  papers.map(({ entry, uses }) => [entry.key, ...uses.map(({ key, value }) => `${key} = ${value}`)]);

describe("the papers of every method", () => {
  it.each(methodCatalog().map((method) => [method.name, method] as const))("%s are valid entries", (name, method) => {
    const cited = citedByMethod(method);
    const entries = read(cited);
    expect(entries.length).toBeGreaterThanOrEqual(1 + method.furtherCitations.length);
    const { year, arxiv } = method.citation;
    expect(entries[0]!.fields).toMatchObject({ year: String(year), ...(arxiv && { eprint: arxiv }) });
    expect(cited.papers[0]!.uses).toContainEqual({ key: "algorithm.name", value: name, note: undefined });
  });

  it("appeared in a venue that is spelled out", () => {
    const unknown = methodCatalog().flatMap((method) =>
      read(citedByMethod(method)).filter(({ fields }) => fields["howpublished"] !== undefined),
    );
    expect(unknown.map(({ key, fields }) => `${key}: ${fields["howpublished"]}`)).toEqual([]);
  });

  it("are both where the header cites two", () => {
    const { papers } = citedByMethod(methodCatalog().find(({ name }) => name === "fedsam")!);
    expect(papers.map(({ entry }) => entry.key)).toEqual(["qu2022generalized", "caldarola2022improving"]);
    expect(papers.map(({ uses }) => uses[0]!.note)).toEqual([undefined, "adaptive form"]);
  });
});

describe("citedByMethod", () => {
  it("gives two papers of one author, year and word two keys", () => {
    const method = methodCatalog().find(({ name }) => name === "fedprox")!;
    const other = { ...method.citation, title: "Federated Something", arxiv: "2001.00001" };
    const cited = citedByMethod({ ...method, furtherCitations: [other] });
    expect(read(cited).map(({ key }) => key)).toEqual(["li2020federated", "li2020federatedb"]);
  });

  it("cites the local optimizer of a method that has the choice", () => {
    const method = methodCatalog().find(({ name }) => name === "fedprox")!;
    const optimizer = { name: "optimizer", symbol: undefined, required: false, defaultValue: "muon", description: "" };
    expect(uses(citedByMethod({ ...method, options: [optimizer] }))).toEqual([
      ["li2020federated", "algorithm.name = fedprox"],
      ["jordan2024muon", "algorithm.optimizer = muon"],
    ]);
    expect(referencesOf("algorithm.optimizer", "constructor")).toEqual([]);
  });
});

describe("the table of references", () => {
  const rows = Object.entries(references).flatMap(([key, values]) => Object.keys(values).map((value) => [key, value]));

  it.each(rows)("%s = %s has valid entries", (key, value) => {
    const papers = referencesOf(key!, value);
    const entries = readBibtex(papers.map((paper) => formatBibtex(bibtexEntry(paper))).join("\n"));
    expect(entries).not.toEqual([]);
    for (const { fields } of entries) {
      expect(fields["eprint"] ?? fields["doi"] ?? fields["url"]).toBeDefined();
      expect(fields["howpublished"], "docs/venues.ts has no such venue").toBeUndefined();
    }
  });

  it("names only what there is", () => {
    const known = (key: string) => Object.keys(references[key]!);
    expect(Object.keys(modelOptions)).toEqual(expect.arrayContaining(known("model.name")));
    expect(Object.keys(partitioners)).toEqual(expect.arrayContaining(known("data.partition.scheme")));
    expect(listDatasets().map(({ name }) => name)).toEqual(expect.arrayContaining(known("data.dataset")));
    for (const recipe of known("data.partition.recipe")) {
      expect(partitioners.dirichlet.options.parse({ recipe })).toMatchObject({ recipe });
    }
    for (const schedule of known("training.schedule")) {
      expect(resolveConfig({ training: { schedule: schedule as "cosine" } }).training.schedule).toBe(schedule);
    }
  });
});

describe("the tables of options and tools", () => {
  const all = { ...optionReferences, ...toolReferences };
  const texts = Object.entries(all).flatMap(([key, values]) =>
    Object.entries(values).flatMap(([value, papers]) => papers.map((paper) => [key, value, paper] as const)),
  );

  it.each(texts)("%s = %s has a valid entry", (_key, _value, text) => {
    const papers = parseCitations(text, (problem) => new Error(problem));
    const { fields } = readBibtex(formatBibtex(bibtexEntry(papers[0])))[0]!;
    expect(papers).toHaveLength(1);
    expect(fields["eprint"] ?? fields["doi"]).toBeDefined();
    expect(fields["howpublished"], "docs/venues.ts has no such venue").toBeUndefined();
  });

  it("name only what there is", () => {
    for (const [key, values] of Object.entries(optionReferences)) {
      const path = key.split(".");
      for (const value of Object.keys(values)) {
        const set = (given: unknown) => path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), given);
        const written = /\[(".+")\]/.exec(optionUse(key, value))?.[1];
        const tries = value === ANY_VALUE ? [2, 0.5] : [written === undefined ? value : [JSON.parse(written)]];
        const read = tries.filter((given) => {
          const more = key === "adapters.controller" ? { adapters: { controller: value, rank: [2] } } : set(given);
          return isAccepted(more as ConfigInput, key);
        });
        expect(read, `${key} = ${value}`).not.toEqual([]);
      }
    }
    expect(auditAttacks).toEqual(expect.arrayContaining(Object.keys(toolReferences["anabranch audit --attack"]!)));
    expect(Object.keys(core)).toEqual(expect.arrayContaining(Object.keys(toolReferences["library"]!)));
  });

  it("are cited where an option is on, and not else", () => {
    const more: ConfigInput = {
      model: { name: "mlp" },
      adapters: { rank: 4, rule: "flora" },
      compression: { down: [], up: ["top-k density=0.1", "qsgd levels=4"], feedback: "dgc" },
    };
    const found = citedByConfig(resolveConfig(more)).papers.flatMap(({ uses }) => uses);
    const options = found.filter(({ key }) => key.startsWith("adapters") || key.startsWith("compression"));
    expect(options.map(({ key, value, note }) => `${key} = ${value}: ${note}`)).toEqual([
      "compression.up = top-k: undefined",
      "compression.up = qsgd: QSGD",
      "compression.feedback = dgc: DGC",
      "adapters.rank = 4: LoRA",
      "adapters.rule = flora: FLoRA",
    ]);
    const plain = citedByConfig(resolveConfig({})).papers.flatMap(({ uses }) => uses.map(({ key }) => key));
    expect(plain.filter((key) => Object.hasOwn(optionReferences, key))).toEqual([]);
  });
});

/** Whether the schema knows this value of this key: other refusals are about what it goes with. */
function isAccepted(more: ConfigInput, key: string): boolean {
  try {
    resolveConfig(more);
    return true;
  } catch (error) {
    const { failure } = error as { failure?: { code: string; where?: string } };
    return failure?.code === "config/conflict" && failure.where?.includes(key.split(".")[0]!) === true;
  }
}

describe("citedByConfig", () => {
  it("cites every part in order, and a paper that serves several once", () => {
    const cited = citedByConfig(resolveConfig({ algorithm: { name: "fedavgm" }, training: { schedule: "cosine" } }));
    expect(uses(cited)).toEqual([
      ["hsu2019measuring", "algorithm.name = fedavgm", "data.partition.recipe = equal-size"],
      ["xiao2017fashion", "data.dataset = fashion-mnist-10k"],
      ["mcmahan2017communication", "model.name = cnn-28x28"],
      ["loshchilov2017sgdr", "training.schedule = cosine"],
    ]);
    expect(cited.own).toEqual([]);
    expect(read(cited)).toHaveLength(4);
  });

  it.each([
    [{ scheme: "dirichlet", recipe: "disjoint" }, ["yurochkin2019bayesian", "li2022federated"]],
    [{ scheme: "shards" }, ["mcmahan2017communication"]],
    [{ scheme: "quantity-skew" }, ["li2022federated"]],
    [{ scheme: "long-tail" }, ["cui2019class"]],
    [{ scheme: "long-tail", alpha: 0.5 }, ["cui2019class", "yurochkin2019bayesian", "li2022federated"]],
    [{ scheme: "long-tail", alpha: 0.5, recipe: "equal-size" }, ["cui2019class", "hsu2019measuring"]],
    [{ scheme: "iid" }, []],
  ])("cites the partition %o", (partition, keys) => {
    const config = resolveConfig({ data: { partition }, model: { name: "mlp" } });
    const found = citedByConfig(config).papers.filter(({ uses }) =>
      uses.some(({ key }) => key.startsWith("data.partition")),
    );
    expect(found.map(({ entry }) => entry.key)).toEqual(keys);
  });

  it("says which parts are the operator's own, and cites no partition of computed data", () => {
    const own = { data: { file: "d.ts" }, model: { file: "m.ts" }, algorithm: { file: "a.ts" } };
    const cited = citedByConfig(resolveConfig(own));
    expect(cited.own).toEqual(["algorithm.file", "data.file", "model.file"]);
    expect(uses(cited)).toEqual([["hsu2019measuring", "data.partition.recipe = equal-size"]]);
    const computed = citedByConfig(resolveConfig({ data: { dataset: "synthetic" }, model: { name: "mlp" } }));
    expect(uses(computed)).toEqual([["mcmahan2017communication", "algorithm.name = fedavg"]]);
    expect(citedByConfig(resolveConfig({ data: { dataset: "csv:a.csv?label=x" } })).own).toEqual(["data.dataset"]);
  });

  it("refuses an unknown method with the nearest name", () => {
    expect(() => citedByConfig(resolveConfig({ algorithm: { name: "scafold" } }))).toThrow(/Did you mean "scaffold"/);
  });
});
