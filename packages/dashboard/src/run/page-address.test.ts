import { describe, expect, it } from "vitest";
import { pageAddress, pageOf } from "./page-address.ts";

describe("the address of a page", () => {
  it.each([
    ["https://a.example/", "https://a.example/", undefined],
    ["https://a.example/#x", "https://a.example/", undefined],
    ["https://a.example/runs/k3x9f2", "https://a.example/", "k3x9f2"],
    ["https://a.example/below/runs/k3x9f2?x=1", "https://a.example/below/", "k3x9f2"],
    ["https://a.example/below/", "https://a.example/below/", undefined],
  ])("%s has the root %s and the run %s", (href, root, run) => {
    expect(pageAddress(href)).toEqual({ root, run });
  });

  it("leads from the server to its run and back", () => {
    expect(pageAddress(pageOf("https://a.example/below/", "k3x9f2"))).toEqual({
      root: "https://a.example/below/",
      run: "k3x9f2",
    });
  });
});
