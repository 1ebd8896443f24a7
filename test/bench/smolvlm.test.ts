/** The comparison with transformers.js: its options, and a row for every measure, also where nothing was measured. */
import { expect, test } from "vitest";
import { parseBenchOptions } from "../../bench/options.mjs";
import { figureRows } from "../../bench/parts/result.ts";
import { type Compared, rowsOf } from "../../bench/parts/smolvlm-rows.ts";

const answered = (firstMs: number, tokenMs = 100) => ({
  ...{ promptTokens: 90, newTokens: 16, firstMs, totalMs: firstMs + 15 * tokenMs },
});
const rounds = (own: number[], theirs: number[]) => ({
  fovea: own.map((ms) => answered(ms)),
  peer: theirs.map((ms) => answered(ms, 400)),
});
const wasm: Compared = {
  ...{ device: "wasm", loadMs: 3000, first: answered(5000), error: 1e-11, reasons: {} },
  rounds: { view: rounds([100, 200, 100], [50, 100, 50]), text: rounds([10], [5]), views: rounds([500], [250]) },
};
const comparison = { name: "transformers.js 4", depth: "2 of 12 blocks", loadMs: 2000, first: answered(4000) };

test("the command line", () => {
  expect(parseBenchOptions(["--only", "compare"])).toMatchObject({
    parts: ["compare-vision", "compare-decoder", "compare-smolvlm"],
  });
  expect(() => parseBenchOptions(["--browser", "firefox", "--only", "compare-smolvlm"])).toThrow(/unknown part/);
});

test("ratios are above 1 where Fovea is faster, in times and in rates", () => {
  const { figures, missing } = rowsOf({ ...comparison, compared: [wasm] });
  const values = Object.fromEntries(figures.map(({ id, value }) => [id, value]));
  expect(values).toMatchObject({
    "smolvlm.view.fovea": 100,
    "smolvlm.view.wasm": 50,
    "smolvlm.view.wasm.ratio": 0.5,
    "smolvlm.decode.fovea": 10,
    "smolvlm.decode.wasm": 2.5,
    "smolvlm.decode.wasm.ratio": 4,
    "smolvlm.load.wasm": 3000,
    "smolvlm.error.wasm": 1e-11,
  });
  expect(missing).toEqual([]);
});

test("a peer that does not run has a reason in each row", () => {
  const reasons = { view: "no adapter", text: "not run after: no adapter", views: "not run after: no adapter" };
  const webgpu: Compared = { device: "webgpu", rounds: {}, reasons };
  const { figures, missing } = rowsOf({ ...comparison, compared: [webgpu, wasm] });
  const rows = figureRows({ figures, missing });
  const peer = "transformers.js 4 on WebGPU";
  expect(rows.filter(([what]) => what!.endsWith(peer))).toEqual([
    [`load: ${peer}`, "not measured", "no adapter"],
    [`first question after it, one view, to first token: ${peer}`, "not measured", "no adapter"],
    [`picture of one view to first token: ${peer}`, "not measured", "no adapter"],
    [`picture of five views to first token: ${peer}`, "not measured", "not run after: no adapter"],
    [`text to first token: ${peer}`, "not measured", "not run after: no adapter"],
    [`decoding, 16 tokens after a picture: ${peer}`, "not measured", "no adapter"],
  ]);
});
