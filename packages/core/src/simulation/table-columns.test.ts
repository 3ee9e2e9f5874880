import { describe, expect, it } from "vitest";
import { alieFactor } from "../adversary/alie-factor.ts";
import { type ConfigInput, parseConfig, renderToml, resolveConfig } from "../config/index.ts";
import { readCsv, splitByClass, syntheticPopulation, type TableOptions, type TrainTest } from "../data/index.ts";
import { openFederation } from "./federation.ts";
import { prepareRun } from "./prepare.ts";

const lines = Array.from({ length: 40 }, (_, i) => `${i},${i % 3 ? "oak" : "elm"},s${i % 4},${i % 2 ? "yes" : "no"}`);
const text = ["size,kind,site,sick", ...lines].join("\n");

function data(table: TableOptions = {}): TrainTest {
  const file = new TextEncoder().encode(text);
  return splitByClass(readCsv(file, { name: "trees.csv", label: "sick", group: "site", table }), 0.2, [1, 2]);
}

function open(table: NonNullable<ConfigInput["data"]>["table"], more: ConfigInput = {}) {
  const given = { clients: 4, partition: { scheme: "natural" }, ...(table && { table }) };
  const config = resolveConfig({
    model: { name: "mlp" },
    sampler: { cohort: 2 },
    ...more,
    data: { ...given, ...more.data },
  });
  return openFederation(config, data(config.data.table));
}
const privately = { privacy: { mechanism: "gaussian" as const, noiseMultiplier: 1 }, evaluation: { every: 0 } };

describe("standardised columns of a federation", () => {
  it("have mean 0 and deviation 1 over the clients' training rows, without what they hold out", () => {
    const { dataset, examples } = open({ standardize: true }, { data: { holdout: 0.3 } });
    const held = open({ standardize: true });
    expect(dataset!.train.table).not.toEqual(held.dataset!.train.table);
    const { train, partition } = held.dataset!;
    const values = partition.clients.flatMap((rows) => Array.from(rows, (row) => train.features.data[3 * row]!));
    const mean = values.reduce((a, b) => a + b) / values.length;
    expect(mean).toBeCloseTo(0, 6);
    expect(values.reduce((sum, x) => sum + x * x, 0) / values.length).toBeCloseTo(1, 5);
    expect(examples.features.shape.slice(1)).toEqual([3]);
  });

  it("change the identity of the data; columns as they are do not", () => {
    expect(open({ standardize: true }).hash).not.toBe(open({}).hash);
    expect(open({ standardize: true, statistics: { size: [1, 2] } }).hash).not.toBe(open({ standardize: true }).hash);
  });

  it("name wrong columns and options that have no effect", () => {
    expect(() => open({ standardize: true, statistics: { kind: [0, 1] } })).toThrow(/numeric columns: size/);
    expect(() => open({ statistics: { size: [0, 1] } })).toThrow(/standardize = true/);
    const images = { ...data(), ...{ train: { ...data().train, table: undefined } } } as unknown as TrainTest;
    const config = resolveConfig({
      sampler: { cohort: 2 },
      data: { clients: 4, table: { standardize: true }, partition: { scheme: "natural" } },
    });
    expect(() => openFederation(config, images)).toThrow(/which is not a table/);
    const spec = { shape: [2], classes: 2, examples: 3, noise: 1 };
    expect(() => openFederation(config, syntheticPopulation(1, 4, spec, 5))).toThrow(/which is not a table/);
  });
});

describe("columns of a private run", () => {
  const categories = { kind: ["elm", "oak"] };

  it.each<[NonNullable<ConfigInput["data"]>["table"], RegExp]>([
    [{ standardize: true, categories }, /data.table.standardize.*released without noise.*"size" = \[MEAN, DEVIATION\]/],
    [{ missing: "mean", categories }, /data.table.missing.*without noise.*public number/],
    [{ missing: "most-frequent", categories }, /data.table.missing/],
    [{ missing: 0, missingIndicator: true, categories }, /data.table.missingIndicator/],
    [{}, /data.table.categories.*no categories of kind.*without noise/],
  ])("are refused where they show what clients have: %j", (table, message) => {
    expect(() => open(table, privately)).toThrow(message);
    expect(() => open(table, privately)).toThrow(expect.objectContaining({ code: "config/conflict" }));
  });

  it("take public constants", () => {
    const table = { standardize: true, statistics: { size: [20, 10] as [number, number] }, categories, missing: 0 };
    const { dataset } = open(table, privately);
    expect(dataset!.train.table!.columns[0]).toMatchObject({ mean: 20, deviation: 10 });
  });
});

describe("the natural partition without a number of clients", () => {
  const given = { partition: { scheme: "natural" } };

  it("has a client for each owner", () => {
    const config = resolveConfig({ sampler: { cohort: 2 }, data: given });
    expect(config.data.clients).toBe(0);
    expect(parseConfig(renderToml(config), "run.toml")).toEqual(config);
    const { clients, hash } = openFederation(config, data());
    expect(clients).toBe(4);
    expect(openFederation(resolveConfig({ sampler: { cohort: 2 }, data: { ...given, clients: 4 } }), data()).hash).toBe(
      hash,
    );
  });

  it("is refused with a cohort of more, and other partitions are with 0", () => {
    const executor = { name: "", version: "", fingerprint: "", float: "float32" } as const;
    const prepare = (sampler: ConfigInput["sampler"], more: ConfigInput = {}) =>
      prepareRun(
        resolveConfig({ model: { name: "mlp" }, data: given, sampler, ...more }),
        data(),
        executor,
        1,
        "abc234",
      );
    expect(() => prepare({ cohort: 5 })).toThrow(/data of 4 owners; expected at most 4/);
    expect(() => prepare({ cohort: 3, name: "random-allocation" })).toThrow(/4 divided by an integer/);
    expect(() => prepare({ cohort: 3, name: "full" })).toThrow(/"full" and data of 4 owners; expected 4/);
    expect(() => prepare({ cohort: 3 }, { attack: { name: "nan", attackers: 4 } })).toThrow(/fewer than 4 clients/);
    const attacked = prepare({ cohort: 4 }, { attack: { name: "alie", attackers: 2 } });
    expect(attacked.plan.attack!.alieFactor).toBe(alieFactor(4, 2));
    const nodes = { topology: { name: "ring" }, algorithm: { name: "dfedavg" } } as const;
    expect(prepare({ cohort: 4 }, nodes).plan.description.topology!.nodes).toBe(4);
    expect(() => resolveConfig({ data: { clients: 0 } })).toThrow(/data.clients.*one client per owner/);
    expect(() => resolveConfig({ data: { clients: 0, partition: { scheme: "natural", merge: true } } })).toThrow(
      /merge/,
    );
  });
});
