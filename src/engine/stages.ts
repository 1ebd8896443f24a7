/** What the compression stages decided, copied off the GPU for events and inspection; where views lie on a picture. */
import type { CompressionStage, Matrix, SeenView, ViewPlace } from "../api.ts";
import type { Gpu } from "../gpu/device.ts";
import { readFloats, readTensor } from "../gpu/readback.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { viewToPicture } from "../image/geometry.ts";
import { readOrigins } from "../kernels/origins.ts";
import type { StageTensors } from "../model/vmtc.ts";
import type { PicturePlan } from "../spec/picture-spec.ts";
import type { EncodedPicture, VisionModel } from "./vision-model.ts";

/** Where the views of a plan lie. @param cell r of r x r patches a token @param patch pixels of a patch's side */
export function viewPlaces(plan: PicturePlan, cell: number, patch: number): ViewPlace[] {
  return plan.views.map((view) => ({
    ...view.grid,
    cell,
    patch,
    width: view.width,
    height: view.height,
    toPicture: [...viewToPicture(plan, view)] as ViewPlace["toPicture"],
  }));
}

/** The views of a picture as callers are told of them. */
export async function readViews(
  gpu: Gpu,
  { firstToken }: VisionModel,
  { places, stages, features }: EncodedPicture,
): Promise<SeenView[]> {
  const read = await readStages(gpu, stages);
  const columns = Uint32Array.from({ length: features.shape[0]! - firstToken }, (_, i) => firstToken + i);
  return places.map((place) => ({ ...place, columns, stages: read }));
}

/** Reads all stages of one picture. */
export function readStages(gpu: Gpu, stages: readonly StageTensors[]): Promise<CompressionStage[]> {
  return Promise.all(stages.map((stage) => readStage(gpu, stage)));
}

async function readStage(gpu: Gpu, stage: StageTensors): Promise<CompressionStage> {
  const { block, primary, clusters, scores, order, labels, origins, tokens } = stage;
  const [scoreValues, orderValues, labelValues, originRows, matrix] = await Promise.all([
    readFloats(gpu, scores),
    readTensor(gpu, order) as Promise<Uint32Array>,
    readTensor(gpu, labels) as Promise<Uint32Array>,
    readTensor(gpu, origins) as Promise<Uint32Array>,
    tokens ? readMatrix(gpu, tokens) : { data: new Float32Array(0), rows: 0, cols: 0 },
  ]);
  const { patches } = readOrigins(originRows, origins.shape[1]!);
  // The class token, where there is one, is a row of the tokens without origins.
  const classRows = Math.max(0, matrix.rows - patches.length);
  return {
    block,
    importance: scoreValues,
    primary: orderValues.slice(0, primary),
    redundant: orderValues.slice(primary),
    labels: clusters > 0 ? labelValues : new Uint32Array(0),
    tokens: matrix,
    origins: [...Array.from({ length: classRows }, () => new Uint32Array(0)), ...patches],
  };
}

export async function readMatrix(gpu: Gpu, tensor: Tensor): Promise<Matrix> {
  const [rows, cols] = tensor.shape as [number, number];
  return { data: await readFloats(gpu, tensor), rows, cols };
}
