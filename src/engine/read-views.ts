/** Reads back the views of an encoded picture for events and inspection, and their places on the picture. */
import type { CompressionStage, InspectedView, Matrix, SeenView, ViewPlace } from "../api.ts";
import type { Gpu } from "../gpu/device.ts";
import { readFloats, readTensor } from "../gpu/readback.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { viewToPicture } from "../image/geometry.ts";
import { originsAfter, wholeOrigins } from "../model/compression/origins.ts";
import { readOwners, type StageTensors } from "../model/compression/stage.ts";
import { NOWHERE } from "../model/encoder/arranged-rows.ts";
import type { EncodedBatch, EncodedPicture } from "../model/encoder/encoded-picture.ts";
import type { PictureEncoder } from "../model/encoder/picture-encoder.ts";
import { rasterOrder } from "../model/encoder/raster-order.ts";
import type { Grid, PicturePlan, PictureRun } from "../spec/picture-spec.ts";

/** Indices of the views in the order of a picture's runs. */
export function viewsInOrder(runs: readonly PictureRun[]): number[] {
  return runs.flatMap((run) => ("view" in run ? [run.view] : []));
}

/** The places of a plan's views on the picture. */
export function viewPlaces(plan: PicturePlan, { spec: { cell, strip, patch } }: PictureEncoder): ViewPlace[] {
  return plan.views.map((view) => ({
    ...view.grid,
    cell,
    ...(strip !== undefined && { strip }),
    patch: patch.side,
    width: view.width,
    height: view.height,
    toPicture: [...viewToPicture(plan, view)] as ViewPlace["toPicture"],
  }));
}

/**
 * The views of a picture for events.
 *
 * @param order views in the order of the prompt's runs, which numbers their columns
 */
export async function readSeenViews(
  gpu: Gpu,
  encoder: PictureEncoder,
  picture: EncodedPicture,
  order: readonly number[],
): Promise<SeenView[]> {
  const stages = await readAllStages(gpu, encoder, picture);
  const starts = new Map<number, number>();
  let column = 0;
  for (const view of order) {
    starts.set(view, column);
    column += picture.rowsOfView[view]!;
  }
  const { firstRow, queried } = encoder.rows;
  const kept = await readKept(gpu, picture, firstRow);
  const left = queried === undefined ? [] : cellsLeft(picture);
  return viewPlaces(picture.plan, encoder).map((place, view) => {
    const own = { stages: stages[view]!, ...(kept.has(view) && { kept: kept.get(view)! }) };
    // Each query reads all cells.
    if (queried !== undefined)
      return { ...place, columns: new Uint32Array(left[view]!).fill(NOWHERE), stages: stages[view]! };
    if (picture.arranged) return { ...place, columns: picture.arranged.places[view]!, ...own };
    const first = (starts.get(view) ?? 0) + firstRow;
    const columns = Uint32Array.from({ length: picture.rowsOfView[view]! - firstRow }, (_, i) => first + i);
    return { ...place, columns, ...own };
  });
}

/**
 * The views of a picture as numbers. Features of a view that no stage compressed are in raster order; otherwise its
 * cells are in their final order, each with its seats. The picture must be encoded with `keepAll`.
 */
export async function readInspectedViews(
  gpu: Gpu,
  encoder: PictureEncoder,
  picture: EncodedPicture,
): Promise<InspectedView[]> {
  const { spec, rows } = encoder;
  const stages = await readAllStages(gpu, encoder, picture);
  const kept = await readKept(gpu, picture, rows.firstRow);
  const views: InspectedView[] = [];
  for (const batch of picture.batches) {
    const features = await readMatrix(gpu, batch.features!);
    const tapped = await Promise.all((batch.tapFeatures ?? []).map((tap) => readMatrix(gpu, tap)));
    const owners = await readOwners(gpu, batch.owners);
    const chosen = batch.chosen && ((await readTensor(gpu, batch.chosen)) as Uint32Array);
    for (const [i, view] of batch.views.entries()) {
      const patches = batch.grid.rows * batch.grid.cols;
      const ownOf = (matrix: Matrix) => {
        const own = slice(matrix, i, batch.views.length);
        // Pooling leaves fewer rows, but has no stage.
        const isWhole = stages[view]!.length === 0 && own.rows === rows.firstFeature + patches;
        return isWhole ? inRasterOrder(own, batch.grid, spec.cell, rows.firstFeature) : own;
      };
      views[view] = {
        ...batch.grid,
        cell: spec.cell,
        ...(spec.strip !== undefined && { strip: spec.strip }),
        features: ownOf(features),
        tapFeatures: tapped.map(ownOf),
        stages: stages[view]!,
        owners: owners[i]!,
        ...(chosen && { kept: kept.get(view)!, chosen: share(chosen, i, batch.views.length) }),
      };
    }
  }
  return views;
}

/** Cells of each view after the encoder. */
function cellsLeft({ batches }: EncodedPicture): number[] {
  const left: number[] = [];
  for (const { views, owners } of batches) for (const view of views) left[view] = owners.shape[1]!;
  return left;
}

/** The cells that `diverse` kept of each view, ascending. */
async function readKept(gpu: Gpu, { batches }: EncodedPicture, firstRow: number): Promise<Map<number, Uint32Array>> {
  const ofView = new Map<number, Uint32Array>();
  for (const { kept, views, rows } of batches) {
    if (!kept) continue;
    const orders = (await readTensor(gpu, kept)) as Uint32Array;
    for (const [i, view] of views.entries()) ofView.set(view, share(orders, i, views.length).slice(0, rows - firstRow));
  }
  return ofView;
}

/** The projected rows of a picture, in the order of the prompt's runs. */
export async function readProjected(gpu: Gpu, picture: EncodedPicture, order: readonly number[]): Promise<Matrix> {
  if (picture.arranged) return readMatrix(gpu, picture.arranged.rows);
  return readRows(gpu, picture, order, ({ projected }) => projected!);
}

/** The taps that are added after the first decoder layers, a matrix a layer; as `readProjected`. */
export async function readTaps(gpu: Gpu, picture: EncodedPicture, order: readonly number[]): Promise<Matrix[]> {
  const count = picture.batches[0]?.taps.length ?? 0;
  const layers = Array.from({ length: count }, (_, layer) => layer);
  return Promise.all(layers.map((layer) => readRows(gpu, picture, order, ({ taps }) => taps[layer]!)));
}

async function readRows(
  gpu: Gpu,
  { batches }: EncodedPicture,
  order: readonly number[],
  rowsOf: (batch: EncodedBatch) => Tensor,
): Promise<Matrix> {
  const ofView = new Map<number, Matrix>();
  for (const batch of batches) {
    const matrix = await readMatrix(gpu, rowsOf(batch));
    for (const [i, view] of batch.views.entries()) ofView.set(view, slice(matrix, i, batch.views.length));
  }
  return stackMatrices(order.map((view) => ofView.get(view)!));
}

/** Matrices of one width, one below the other. */
export function stackMatrices(matrices: readonly Matrix[]): Matrix {
  const cols = matrices[0]?.cols ?? 0;
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const data = new Float32Array(rows * cols);
  let at = 0;
  for (const matrix of matrices) {
    data.set(matrix.data, at);
    at += matrix.data.length;
  }
  return { data, rows, cols };
}

async function readMatrix(gpu: Gpu, tensor: Tensor): Promise<Matrix> {
  const [rows, cols] = tensor.shape as [number, number];
  return { data: await readFloats(gpu, tensor), rows, cols };
}

/** The stages of each view. */
async function readAllStages(
  gpu: Gpu,
  { spec }: PictureEncoder,
  { batches }: EncodedPicture,
): Promise<CompressionStage[][]> {
  const ofView: CompressionStage[][] = [];
  for (const batch of batches) {
    const read = await Promise.all(batch.stages.map((stage) => readStage(gpu, stage, batch)));
    const cells = batch.stages[0]?.order.shape[1] ?? 0;
    for (const [i, view] of batch.views.entries())
      ofView[view] = withOrigins(
        read.map((stages) => stages[i]!),
        cells,
        spec.classToken,
      );
  }
  return ofView;
}

/** The stages of a view of `cells` cells, with the original cells of their tokens. */
function withOrigins(stages: ChosenStage[], cells: number, classToken: boolean): CompressionStage[] {
  let origins = wholeOrigins(cells);
  return stages.map((stage) => {
    origins = originsAfter(origins, stage);
    // A class token is a row without cells.
    const classRows = classToken && stage.tokens.rows > 0 ? [new Uint32Array(0)] : [];
    return { ...stage, origins: [...classRows, ...origins] };
  });
}

type ChosenStage = Omit<CompressionStage, "origins">;

/** One stage of each view of a batch. */
async function readStage(gpu: Gpu, stage: StageTensors, { views }: EncodedBatch): Promise<ChosenStage[]> {
  const { block, primary, tokens } = stage;
  const read = async (tensor: Tensor) => (await readTensor(gpu, tensor)) as Uint32Array;
  const [scores, order, labels, matrix] = await Promise.all([
    readFloats(gpu, stage.scores),
    read(stage.order),
    stage.labels ? read(stage.labels) : new Uint32Array(0),
    tokens ? readMatrix(gpu, tokens) : { data: new Float32Array(0), rows: 0, cols: 0 },
  ]);
  return views.map((_, i) => {
    const own = <T extends Float32Array | Uint32Array>(values: T) => share(values, i, views.length);
    const indices = own(order);
    return {
      block,
      importance: own(scores),
      primary: indices.slice(0, primary),
      redundant: indices.slice(primary),
      labels: own(labels),
      tokens: slice(matrix, i, views.length),
    };
  });
}

/** The i-th of `count` equal parts, copied. */
function share<T extends Float32Array | Uint32Array>(values: T, i: number, count: number): T {
  const length = values.length / count;
  return values.slice(i * length, (i + 1) * length) as T;
}

function slice({ data, rows, cols }: Matrix, i: number, count: number): Matrix {
  return { data: share(data, i, count), rows: rows / count, cols };
}

function inRasterOrder({ data, rows, cols }: Matrix, grid: Grid, cell: number, first: number): Matrix {
  if (cell === 1) return { data, rows, cols };
  const sorted = data.slice();
  for (const [row, raster] of rasterOrder(grid, cell).entries())
    sorted.set(data.subarray((first + row) * cols, (first + row + 1) * cols), (first + raster) * cols);
  return { data: sorted, rows, cols };
}
