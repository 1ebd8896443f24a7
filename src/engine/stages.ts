/** What the compression stages decided, copied off the GPU for events and inspection. */
import type { CompressionStage, Matrix } from "../api.ts";
import type { Gpu } from "../gpu/device.ts";
import { readFloats, readTensor } from "../gpu/readback.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { readOrigins } from "../kernels/origins.ts";
import type { StageTensors } from "../model/compression/stage.ts";

/** Reads all stages of one picture. */
export function readStages(gpu: Gpu, stages: readonly StageTensors[]): Promise<CompressionStage[]> {
  return Promise.all(stages.map((stage) => readStage(gpu, stage)));
}

async function readStage(gpu: Gpu, stage: StageTensors): Promise<CompressionStage> {
  const { block, primary, scores, order, labels, origins, tokens } = stage;
  const [scoreValues, orderValues, labelValues, originRows, matrix] = await Promise.all([
    readFloats(gpu, scores),
    readTensor(gpu, order) as Promise<Uint32Array>,
    labels ? (readTensor(gpu, labels) as Promise<Uint32Array>) : new Uint32Array(0),
    readTensor(gpu, origins) as Promise<Uint32Array>,
    tokens ? readMatrix(gpu, tokens) : { data: new Float32Array(0), rows: 0, cols: 0 },
  ]);
  const { cells } = readOrigins(originRows, origins.shape[2]!);
  // The class token, where there is one, is a row of the tokens without origins.
  const classRows = Math.max(0, matrix.rows - cells.length);
  return {
    block,
    importance: scoreValues,
    primary: orderValues.slice(0, primary),
    redundant: orderValues.slice(primary),
    labels: labelValues,
    tokens: matrix,
    origins: [...Array.from({ length: classRows }, () => new Uint32Array(0)), ...cells],
  };
}

export async function readMatrix(gpu: Gpu, tensor: Tensor): Promise<Matrix> {
  const [rows, cols] = tensor.shape as [number, number];
  return { data: await readFloats(gpu, tensor), rows, cols };
}
