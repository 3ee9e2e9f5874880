import { describe, expect, it } from "vitest";
import { pixelImage } from "./pixel-image.ts";

describe("an image of pixels", () => {
  it("has one path per colour, of runs of equal pixels", () => {
    const { html } = pixelImage([0, 0, 1, 1, 0, 0], 2, 3, "original");
    expect(html).toContain('viewBox="0 0 3 2"');
    expect(html).toContain('<path fill="rgb(0,0,0)" d="M0 0h2v1h-2zM1 1h2v1h-2z"/>');
    expect(html).toContain('<path fill="rgb(255,255,255)" d="M2 0h1v1h-1zM0 1h1v1h-1z"/>');
  });

  it("takes three channels, and cuts values and names that do not fit", () => {
    const { html } = pixelImage([2, 0, -1], 1, 1, 'a "<b>"');
    expect(html).toContain("rgb(255,0,0)");
    expect(html).toContain('aria-label="a b"');
  });
});
