/** An answer's statistics on the page: what its pictures cost. */
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { GenerationStats } from "../../src/api.ts";
import { Statistics } from "../../src/app/parts/statistics.ts";
import { STATS } from "../support/fake-model.ts";

beforeAll(() => customElements.define("app-statistics", Statistics));

/** Name -> value and bar of each row. */
async function rowsOf(stats: GenerationStats): Promise<Record<string, string>> {
  const element = document.createElement("app-statistics") as Statistics;
  Object.assign(element, { stats, slowestMs: 10 });
  document.body.append(element);
  onTestFinished(() => element.remove());
  await element.updateComplete;
  const rows = [...element.renderRoot.querySelectorAll("dl > div")];
  return Object.fromEntries(
    rows.map((row) => {
      const bar = row.querySelector("rect")?.getAttribute("width");
      const value = row.querySelector("dd")!.textContent.trim();
      return [row.querySelector("dt")!.textContent, bar ? `${value}, bar ${Number(bar).toFixed(0)} %` : value];
    }),
  );
}

test("one whole picture has one row", async () => {
  const rows = await rowsOf(STATS);
  expect(rows).toMatchObject({ "Image tokens": "8 of 16, bar 50 %", Vision: "1 ms, bar 10 %" });
  expect(Object.keys(rows).filter((name) => name.startsWith("Picture"))).toEqual([]);
});

test("a picture in several views says how many", async () => {
  const pictures = [{ views: 13, tokensBefore: 832, tokensAfter: 208, reused: false }];
  const rows = await rowsOf({ ...STATS, pictures, imageTokensBefore: 832, imageTokensAfter: 208 });
  expect(rows).toMatchObject({ "Image tokens, 13 views": "208 of 832, bar 25 %" });
  expect(Object.keys(rows).filter((name) => name.startsWith("Picture"))).toEqual([]);
});

test("each of several pictures has a row of its own", async () => {
  const pictures = [
    { views: 1, tokensBefore: 64, tokensAfter: 64, reused: true },
    { views: 5, tokensBefore: 320, tokensAfter: 160, reused: false },
  ];
  expect(await rowsOf({ ...STATS, pictures, imageTokensBefore: 384, imageTokensAfter: 224 })).toMatchObject({
    ...{ "Image tokens": "224 of 384, bar 58 %" },
    ...{ "Picture 1": "64 of 64, bar 100 %", "Picture 2, 5 views": "160 of 320, bar 50 %" },
  });
});
