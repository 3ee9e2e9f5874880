import { describe, expect, it } from "vitest";
import { listQuality, qualityHead } from "./list-quality.ts";

const accuracy = { finalAccuracy: 0.7235, finalRmse: null, finalR2: null, testNote: "" };
const error = { finalAccuracy: null, finalRmse: 12.34567, finalR2: 0.8766, testNote: "" };

describe("the quality of a listed run", () => {
  it("is its accuracy, and a dash before the first evaluation", () => {
    expect(listQuality(accuracy)).toEqual({ label: "Accuracy", value: "72.35 %", note: "" });
    expect(listQuality({ ...accuracy, finalAccuracy: null }).value).toBe("–");
  });

  it("is the error of a run that predicts numbers, with R2 and what the test set is", () => {
    expect(listQuality(error)).toEqual({ label: "RMSE", value: "12.346", note: "R2 0.877" });
    expect(listQuality({ ...error, finalR2: null, testNote: "server data" }).note).toBe("server data");
    expect(listQuality({ ...error, testNote: "server data" }).note).toBe("R2 0.877, server data");
  });

  it("has a head that names what the rows have", () => {
    expect(qualityHead([])).toBe("Accuracy");
    expect(qualityHead([error])).toBe("RMSE");
    expect(qualityHead([accuracy, error])).toBe("Accuracy or RMSE");
  });
});
