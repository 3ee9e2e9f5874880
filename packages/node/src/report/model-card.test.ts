import { describe, expect, it } from "vitest";
import { modelCard } from "./model-card.ts";
import { privacyMetadata } from "./privacy.ts";
import { report } from "./report.ts";
import { parseRun } from "./run-data.ts";
import { syntheticRun } from "./synthetic-run.ts";

/** A run whose events tell of privacy; its last round has this epsilon. */
function privateRun(epsilon: number | null, assumptions = ["trusted server: it adds the noise"]) {
  const events = syntheticRun({ rounds: 2 })
    .events.trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .flatMap((event) => {
      if (event.type === "run.started") {
        const warning = (code: string, message: string) => ({ v: 1, type: "run.warning", at: event.at, code, message });
        return [
          { ...event, privacy: "client-level, flat clip at 0.3", privacyAssumptions: assumptions },
          warning("privacy/guarantee", "delta is large"),
          warning("executor/fallback", "slow"),
        ];
      }
      if (event.type !== "round.finished") return [event];
      const spent = event.round === 2 ? epsilon : 0.25;
      return [{ ...event, privacy: { epsilon: spent, delta: 0.001, accountant: "pld" } }];
    });
  return parseRun({ ...syntheticRun(), events: events.map((event) => JSON.stringify(event)).join("\n") });
}

describe("the model card", () => {
  it("says what the model is and that nothing protects clients", () => {
    const card = modelCard(parseRun(syntheticRun()));
    expect(card).toMatch(/^# quickstart\n/);
    expect(card).toContain("| method | fedavg |");
    expect(card).toContain("| parameters | 582,026 |");
    expect(card).toContain("No differential privacy");
    expect(card).not.toContain("epsilon");
  });

  it.each([
    [{}, /may leak individual clients' data\.\n\n## Reproduce/],
    [{ baseline: "centralized" }, /may leak individual clients' data\.\n\n## Reproduce/],
    [{ baseline: "public-only" }, /no example of a client in its training\. The model may leak public examples\./],
    [{ serverFlopsPerStep: 7 }, /individual clients' data\.\n\nThe server .* activations of the clients' examples/],
  ])("says whose data a model may leak: %o", (more, privacy) => {
    const { events, ...files } = syntheticRun();
    const [first, ...rest] = events.split("\n");
    const start = JSON.stringify({ ...JSON.parse(first!), ...more });
    const card = modelCard(parseRun({ ...files, events: [start, ...rest].join("\n") }));
    expect(card).toMatch(privacy);
    expect(card.includes("individual clients' data")).toBe(!("baseline" in more && more.baseline === "public-only"));
  });

  it("tells epsilon of all rounds, what was done, what it rests on, and the warnings about it", () => {
    const card = modelCard(privateRun(1.234567));
    expect(card).toContain("epsilon 1.235 at delta 0.001 (pld), for all rounds together.");
    expect(card).toContain("Done: client-level, flat clip at 0.3.");
    expect(card).toContain("Assumptions:\n\n- trusted server: it adds the noise\n");
    expect(card).toContain("Warnings:\n\n- delta is large\n");
    expect(card).not.toContain("slow");
  });

  it("keeps marks of Markdown and HTML in texts of the run from taking effect", () => {
    const card = modelCard(privateRun(1, ["a|b\n# c <img src=x> [d](e)"]));
    expect(card).toContain("- a&#124;b \\# c \\<img src=x\\> \\[d\\](e)\n");
  });
});

const model = { parameters: Float32Array.of(1), round: 2 };

describe("what files and pages tell of privacy", () => {
  it("is nothing for a plain run", () => {
    expect(privacyMetadata(parseRun(syntheticRun()), model)).toEqual({});
    expect(report(parseRun(syntheticRun()))).not.toContain("Epsilon");
  });

  it("is the guarantee with its grounds for a private one", () => {
    expect(privacyMetadata(privateRun(1.234567), model)).toEqual({
      epsilon: "1.234567",
      delta: "0.001",
      accountant: "pld",
      privacy: "client-level, flat clip at 0.3",
      privacyAssumptions: "trusted server: it adds the noise",
    });
    expect(report(privateRun(1.234567))).toMatch(
      /Epsilon<\/dt><dd>1\.235<\/dd><dd class="note">at delta 0\.001 \(pld\)/,
    );
  });

  it("is none where nothing is guaranteed", () => {
    expect(privacyMetadata(privateRun(null), model)).toMatchObject({ epsilon: "none" });
    expect(modelCard(privateRun(null))).toContain("epsilon none at delta 0.001");
    expect(report(privateRun(null))).toContain("Epsilon</dt><dd>none</dd>");
  });
});
