/** The arithmetic that rates and bounds are made of, against numbers worked out by hand. */
import { expect, test } from "vitest";
import { modelOf, placePicture } from "../../bench/parts/picture-subject.ts";
import { SMOLVLM_256M } from "../../bench/parts/views-files.ts";
import { connectorFlops, encoderFlops, layerParameters, prefillFlops } from "../../bench/parts/work.ts";
import { planCompression } from "../../src/model/compression/plan.ts";

const model = modelOf(SMOLVLM_256M, { blocks: 4, layers: 3 });
const { encoder, connector, decoder, pictures } = model;
const { grid } = encoder.positions;
const N = 1024;
const C = 768;
const PATCHES = N * C * 768;

test("a view of 32 x 32 patches", () => {
  const block = N * 4 * C ** 2 + 2 * N ** 2 * C + N * 2 * C * 3072;
  expect(encoderFlops(encoder, grid)).toBe(2 * (PATCHES + 4 * block));
  expect(connectorFlops(connector, encoder, 64)).toBe(2 * 64 * 12288 * 576);
});

test("a stage acts in its block after attention", () => {
  const [plan] = planCompression({ method: "vmtc", ratio: 0.5 }, encoder, [64]);
  const attention = (rows: number) => rows * 4 * C ** 2 + 2 * rows ** 2 * C;
  const mlp = (rows: number) => rows * 2 * C * 3072;
  const rows = [1024, 51 * 16, 40 * 16, 32 * 16] as const;
  const blocks = attention(rows[0]) + mlp(rows[0]) + attention(rows[0]) + mlp(rows[1]);
  const rest = attention(rows[1]) + mlp(rows[2]) + attention(rows[2]) + mlp(rows[3]);
  expect(encoderFlops(encoder, grid, plan)).toBe(2 * (PATCHES + blocks + rest));
});

test("a prompt", () => {
  const layer = (576 + 2 * 192) * 576 + 576 * 576 + 3 * 576 * 1536;
  expect(layerParameters(decoder)).toBe(3 * layer);
  const attention = 3 * 2 * 5050 * 576;
  expect(prefillFlops(decoder, 100)).toBe(2 * (100 * 3 * layer + attention + 49280 * 576));
});

test("tags and newlines are one token each", () => {
  const plan = pictures.plan(1920, 1080, {});
  expect(plan.views).toHaveLength(13);
  const { ids, pictures: spans } = placePicture(pictures.runs(plan, new Array(13).fill(64)));
  // 13 views of two tags, a last tag, a newline after each of three rows of which the last is double; 3 + 13 of text.
  expect(ids.length).toBe(13 * 64 + 13 * 2 + 1 + 3 + 16);
  expect(spans[0]).toHaveLength(13);
  expect(spans[0]![0]).toEqual({ start: 5, count: 64 });
});
