/** The decoders against every folder of golden/formats: the values of one matrix of each type, exactly. */
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openFolder } from "../../../src/weights/folder.ts";
import { isDecoded } from "../../../src/weights/formats/encoding.ts";
import { openModel } from "../../../src/weights/formats/registry.ts";
import { RowsReader } from "../../../src/weights/formats/rows-reader.ts";
import type { StoredTensor } from "../../../src/weights/formats/stored-tensor.ts";
import { readTensors } from "../../../src/weights/read-tensors.ts";
import { dequantise } from "../../reference/packed-rows.ts";
import { bf16ToNumber, f16ToNumber } from "../../reference/weight-unpack.ts";
import { filesOf, loadFormat } from "../../support/golden-format.ts";
import { dataRoot, needing } from "../../support/shared.ts";

const root = `${dataRoot}/golden/formats`;
const folders = existsSync(root) ? readdirSync(root).filter((name) => existsSync(`${root}/${name}/case.json`)) : [];

if (folders.length === 0) test.skip(needing("golden/formats", "packed checkpoints"), () => {});

describe.for(folders)("%s", (folder) => {
  // Pieces of a few rows, and of whole tensors.
  test.for([4096, 4 << 20])("pieces of %i bytes", async (pieceBytes) => {
    const golden = await loadFormat(folder);
    const model = await openModel(openFolder(await filesOf(folder, golden)), {});
    const config = (await model.folder.json("config.json")) as Record<string, unknown>;
    const checkpoint = await model.checkpoint(config, {});
    const expected = [...golden.expected].filter(([name]) => name.startsWith("dequantised."));
    expect(expected.length).toBeGreaterThan(0);
    for (const [name, { data, shape }] of expected) {
      const file = name.slice("dequantised.".length);
      const stored = [...checkpoint.tensors.values()].find(
        (tensor) => tensor.name === file || tensor.planes.some((plane) => plane.name === file),
      );
      expect(stored, file).toBeDefined();
      const values = await valuesOf(checkpoint, stored!, pieceBytes);
      const [rows, columns] = shape as [number, number];
      expect(stored!.shape[1], file).toBe(columns);
      for (let i = 0; i < rows * columns; i++)
        if (Math.fround(values[i]!) !== data[i]) expect.fail(`${file}, value ${i}: ${values[i]}, expected ${data[i]}`);
    }
  });
});

/** All values of a tensor, in the order of its file. */
async function valuesOf(
  checkpoint: Parameters<typeof readTensors>[0],
  tensor: StoredTensor,
  pieceBytes: number,
): Promise<Float64Array> {
  const [rows, columns] = tensor.shape as [number, number];
  const values = new Float64Array(rows * columns);
  const reader = isDecoded(tensor.encoding) ? new RowsReader(tensor) : undefined;
  for await (const piece of readTensors(checkpoint, [tensor], { pieceBytes })) {
    if (reader)
      for (const decoded of reader.take(piece)) {
        const { first, count } = decoded;
        values.set(decoded.packed ? dequantise(decoded.packed, count, columns) : decoded.values, first * columns);
      }
    else
      plainValues(tensor.encoding.id, piece.bytes).forEach((value, i) => {
        values[piece.byteOffset / (tensor.encoding.id === "F32" ? 4 : 2) + i] = value;
      });
  }
  return values;
}

function plainValues(dtype: string, bytes: Uint8Array<ArrayBuffer>): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === "F32") return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  const toNumber = dtype === "BF16" ? bf16ToNumber : f16ToNumber;
  return Array.from({ length: bytes.length / 2 }, (_, i) => toNumber(view.getUint16(2 * i, true)));
}
