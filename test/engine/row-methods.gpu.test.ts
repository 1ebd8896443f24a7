/** Methods that keep some of the connector's rows: the shipped baseline, and two that only their file and their entry know. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Compression, Fovea } from "../../src/index.ts";
import { ROW_METHODS } from "../../src/model/compression/rows/registry.ts";
import type { RowMethod } from "../../src/model/compression/rows/row-method.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";

/** A view of 60 x 40 pixels has 3 x 5 cells of 2 x 2 patches; nothing is cut. */
const MODEL = "golden/families/lfm2_vl-single-bf16/model";
const CELLS = 15;

/** Keeps the last rows, and chooses them backwards. */
const last: RowMethod = {
  choose({ order, chosen, upload }) {
    const [count, kept] = [order.shape[1]!, chosen.shape[1]!];
    const rows = [...Array(count).keys()];
    upload(order, Uint32Array.from([...rows.slice(count - kept), ...rows.slice(0, count - kept)]));
    upload(chosen, Uint32Array.from(rows.slice(count - kept).reverse()));
  },
};

/** Keeps the leftmost rows, column by column. */
const left: RowMethod = {
  choose({ grid, order, chosen, upload }) {
    const [all, kept] = [[...Array(order.shape[1]!).keys()], chosen.shape[1]!];
    const byColumn = all.toSorted((a, b) => (a % grid!.cols) - (b % grid!.cols));
    const first = byColumn.slice(0, kept);
    const ascending = first.toSorted((a, b) => a - b);
    upload(order, Uint32Array.from([...ascending, ...all.filter((row) => !first.includes(row))]));
    upload(chosen, Uint32Array.from(first));
  },
};

const { device } = useDevice();
let fovea: Fovea;
beforeAll(async () => {
  Object.assign(ROW_METHODS, { last, left });
  fovea = await Fovea.load(sharedUrl(MODEL), { maxContext: 200, weights: "f32", precision: "f32", device: device() });
});
afterAll(() => {
  fovea?.dispose();
  for (const name of ["last", "left"]) Reflect.deleteProperty(ROW_METHODS, name);
});

function picture(): ImageData {
  const image = new ImageData(60, 40);
  for (const i of image.data.keys()) image.data[i] = i % 4 === 3 ? 255 : (i * 37 + ((i * i) % 91)) % 256;
  return image;
}

async function inspected(compression: Compression) {
  const messages = [{ role: "user" as const, content: [{ type: "image" as const, image: picture() }] }];
  const { images, prompt } = await fovea.inspect({ messages, compression });
  const { projected, views } = images[0]!;
  const rows = Array.from({ length: projected.rows }, (_, i) => [
    ...projected.data.slice(i * projected.cols, (i + 1) * projected.cols),
  ]);
  return { rows, view: views[0]!, prompt };
}

describe("of 15 rows, 4", () => {
  test.for([
    ["uniform", [1, 5, 9, 13], [1, 5, 9, 13]],
    ["last", [11, 12, 13, 14], [14, 13, 12, 11]],
    ["left", [0, 1, 5, 10], [0, 5, 10, 1]],
  ] as const)("%s keeps the rows that it chose", async ([method, kept, chosen]) => {
    const idle = fovea.memory.gpuBytes;
    const whole = await inspected({ method: "none" });
    expect(whole.rows.length).toBe(CELLS);
    expect(new Set(whole.rows.map(String)).size).toBe(CELLS);
    const { rows, view, prompt } = await inspected({ method, tokens: 4 } as Compression);
    expect([...view.kept!]).toEqual(kept);
    expect([...view.chosen!]).toEqual(chosen);
    expect(rows).toEqual(kept.map((row) => whole.rows[row]));
    expect(prompt.pictures).toMatchObject([[{ count: 4 }]]);
    expect(fovea.memory.gpuBytes).toBe(idle);
  });

  test("a method that nobody registered is refused, with those that there are", async () => {
    await expect(inspected({ method: "first", tokens: 4 } as unknown as Compression)).rejects.toThrow(
      /compression\.method must be "none", "vmtc", "prune-last", "pool", "prumerge", "diverse", "uniform", "last" or "left", got "first"/,
    );
  });
});
