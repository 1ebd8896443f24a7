/** Index tables of attention inhibition on the GPU, for tests of its kernels. */
import type { Gpu } from "../../src/gpu/device.ts";
import { packTextRows, planColumns, planIndexTables, textChunk } from "../../src/model/inhibition/index-tables.ts";
import { inputTensor } from "./gpu.ts";
import { type MaskedSequence, rowsOf } from "./masked-sequences.ts";

/** Uploads the index tables of a sequence. */
export function indexTensors(gpu: Gpu, sequence: MaskedSequence) {
  const { images, mask, keys, chunkRow } = sequence;
  const columns = planColumns(images);
  const tables = planIndexTables(columns, Uint32Array.from(mask(rowsOf(sequence))));
  const upload = (values: Uint32Array, shape = [values.length]) => inputTensor(gpu, shape, values, "u32");
  return {
    columns,
    tables,
    chunk: textChunk(tables, chunkRow, keys)!,
    slots: upload(tables.slots),
    textRows: upload(packTextRows(tables.textRows), [tables.textRows.length, 8]),
    columnRows: upload(columns.columnRows),
    imageStarts: upload(columns.imageStarts),
  };
}
