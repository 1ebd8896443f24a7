/**
 * Pictures of several views from pixels to the first token, in the shape of SmolVLM-256M. Compares batches of views
 * with one view at a time, and compression on cells with none. Weights are random: only time is measured. A software
 * adapter runs fewer blocks and layers, in about the model's proportion.
 */
import type { Compression } from "../../src/api.ts";
import { planCompression, type ViewPlan } from "../../src/model/compression/plan.ts";
import { cellCount } from "../../src/model/encoder/cell-count.ts";
import type { PicturePlan } from "../../src/spec/picture-spec.ts";
import { median, medianRatio, nmse, timeRecordings } from "./measure.ts";
import { isBrief, type Part, type PartContext } from "./part.ts";
import {
  countEncoding,
  type Depth,
  modelOf,
  type PictureModel,
  PictureSubject,
  type PictureTimes,
  type PictureWork,
  placePicture,
} from "./picture-subject.ts";
import { measureRates, plainProductsOf } from "./rates.ts";
import type { Figure, SizeName } from "./result.ts";
import { stageRecordings } from "./stages.ts";
import { SMOLVLM_256M, SMOLVLM_TOY } from "./views-files.ts";
import { connectorFlops, encoderFlops, prefillFlops } from "./work.ts";

/** Tiles of a picture -> its views: an overview is one more. */
const TILES = { 1: 1, 5: 4, 13: 12 } as const;
type Views = keyof typeof TILES;
const ALL_VIEWS: readonly Views[] = [1, 5, 13];
/** On lavapipe, which compiles a pipeline at its first dispatch: three rounds, of which the median is warm. 13 views are left out. */
const BRIEF_VIEWS: readonly Views[] = [1, 5];
const BRIEF_ROUNDS = 3;

/** Rows of the KV cache: 13 views of 64 rows, tags and a question. */
const CAPACITY = 1024;
/** Allows for two orders of summation. */
const NMSE_SAME = 1e-6;
const NONE: Compression = { method: "none" };
const RATIOS = [0.5, 0.25];

interface Size {
  files: typeof SMOLVLM_256M;
  /** The published depth. */
  whole: Depth;
  /** Batches against single views. */
  batching: { depth: Depth; rounds: Record<Views, number> };
  /** Compression against none. The three stages lie in different blocks, as in the whole encoder. */
  compression: { depth: Depth; views: readonly Views[]; rounds: number };
}

const WHOLE = { blocks: 12, layers: 30 };
const SIZES: Record<SizeName, Size> = {
  tiny: {
    ...{ files: SMOLVLM_TOY, whole: { blocks: 4, layers: 2 } },
    batching: { depth: { blocks: 1, layers: 1 }, rounds: { 1: 1, 5: 1, 13: 1 } },
    compression: { depth: { blocks: 4, layers: 2 }, views: [5], rounds: 1 },
  },
  small: {
    ...{ files: SMOLVLM_256M, whole: WHOLE },
    batching: { depth: { blocks: 1, layers: 2 }, rounds: { 1: 1, 5: 2, 13: 1 } },
    // Six blocks: the arithmetic allows about as much as in twelve. With four it allows less, with three more.
    compression: { depth: { blocks: 6, layers: 15 }, views: [5], rounds: 1 },
  },
  large: {
    ...{ files: SMOLVLM_256M, whole: WHOLE },
    batching: { depth: WHOLE, rounds: { 1: 5, 5: 5, 13: 5 } },
    compression: { depth: WHOLE, views: ALL_VIEWS, rounds: 5 },
  },
};

export const views: Part = async (context) => {
  const { gpu, size, progress } = context;
  const { files, whole } = SIZES[size];
  const model = modelOf(files, whole);
  const { width, mlp } = model.encoder;
  progress("views: plain matmuls");
  const products = plainProductsOf(gpu, gpu.arena, { rows: 256, cols: mlp.width, inner: width });
  const plain = await measureRates(gpu, products, { rounds: 2, batchMs: 0 });
  const best = Math.max(...plain.map(({ value }) => value));
  return [...plain, ...(await batchFigures(context, model, best)), ...(await compressionFigures(context, model, best))];
};

/** A plan of `views` views. */
function planOf({ pictures }: PictureModel, views: Views): PicturePlan {
  return pictures.plan(1920, 1080, { maxTiles: TILES[views] });
}

/** Multiplications and additions of a picture, up to the first token. */
function pictureFlops(model: PictureModel, { plan, compression }: PictureWork): { encoder: number; prompt: number } {
  const { encoder, connector, decoder, pictures } = model;
  const cells = plan.views.map(({ grid }) => cellCount(grid, encoder));
  const plans = planCompression(compression, encoder, cells);
  const rows = plans.map((viewPlan, view) => finalCells(viewPlan, cells[view]!));
  const ofViews = plan.views.map(
    ({ grid }, view) => encoderFlops(encoder, grid, plans[view]) + connectorFlops(connector, encoder, rows[view]!),
  );
  return {
    encoder: ofViews.reduce((a, b) => a + b),
    prompt: prefillFlops(decoder, placePicture(pictures.runs(plan, rows)).ids.length),
  };
}

function finalCells(plan: ViewPlan, cells: number): number {
  return (plan.method === "vmtc" && plan.stages.at(-1)?.tokens) || cells;
}

function totalFlops(model: PictureModel, work: PictureWork): number {
  const { encoder, prompt } = pictureFlops(model, work);
  return encoder + prompt;
}

function totalMs({ encodeMs, promptMs }: PictureTimes): number {
  return encodeMs + promptMs;
}

/** The measured part of the model, in words. */
function depthText(model: PictureModel, whole: PictureModel, plan: PicturePlan): string {
  const proportion = (of: PictureModel) => {
    const { encoder, prompt } = pictureFlops(of, { plan, compression: NONE });
    return (encoder / prompt).toFixed(1);
  };
  const blocks = `${model.encoder.blocks} of ${whole.encoder.blocks} blocks`;
  const layers = `${model.decoder.layers.length} of ${whole.decoder.layers.length} layers`;
  return `${blocks}, ${layers}; encoder to decoder ${proportion(model)} : 1, in the whole model ${proportion(whole)} : 1`;
}

/** Times of each work in each round, in turns; result[work][round]. Throws if `same` works have other logits. */
async function inTurns(subject: PictureSubject, works: readonly PictureWork[], rounds: number, same: boolean) {
  const times: PictureTimes[][] = works.map(() => []);
  let first: Float32Array | undefined;
  for (let round = 0; round < rounds; round++)
    for (const [i, work] of works.entries()) {
      times[i]!.push(await subject.run(work));
      const logits = await subject.logits();
      first ??= logits;
      const error = nmse(logits, first);
      if (same && !(error <= NMSE_SAME))
        throw new Error(`views: the same picture gives logits with an NMSE of ${error}`);
    }
  return times;
}

async function batchFigures(
  { gpu, size, progress }: PartContext,
  whole: PictureModel,
  best: number,
): Promise<Figure[]> {
  const { files, batching } = SIZES[size];
  const model = modelOf(files, batching.depth);
  const brief = isBrief(gpu.capabilities) && size === "small";
  const subject = new PictureSubject(gpu, model, { whole, views: 13, capacity: CAPACITY, weights: "f16" });
  await subject.compile(planOf(model, 1));
  const figures: Figure[] = [];
  for (const views of brief ? BRIEF_VIEWS : ALL_VIEWS) {
    const plan = planOf(model, views);
    const work = { plan, compression: NONE };
    const kinds = [
      { id: "batches", work },
      ...(views > 1 ? [{ id: "single", work: { ...work, atOnce: 1 } }] : []),
      ...(views > 5 ? [{ id: "one-batch", work: { ...work, atOnce: views } }] : []),
    ];
    progress(`views: ${views} in batches and one by one`);
    const counts = await Promise.all(kinds.map((kind) => countEncoding(whole, kind.work, gpu)));
    const times = await inTurns(
      subject,
      kinds.map((kind) => kind.work),
      brief ? BRIEF_ROUNDS : batching.rounds[views],
      true,
    );
    const totals = times.map((each) => each.map(totalMs));
    const depth = depthText(model, whole, plan);
    const flops = totalFlops(model, work);
    for (const [i, { id }] of kinds.entries()) {
      const { batches, dispatches, bytes } = counts[i]!;
      const name = `views.${id}-${views}`;
      const what = `${views} views in ${batches} batch${batches > 1 ? "es" : ""}`;
      const ms = median(totals[i]!);
      const rate = flops / ms / 1e6;
      figures.push(
        {
          id: `${name}.dispatches`,
          what: `${what}: dispatches of the whole encoder`,
          value: dispatches,
          unit: "dispatches",
        },
        { id: `${name}.memory`, what: `${what}: memory while encoding`, value: bytes / 2 ** 20, unit: "MiB" },
        { id: `${name}.ms`, what: `${what}: picture to first token`, value: ms, unit: "ms", note: depth },
        { id: `${name}.rate`, what: `${what}: the same`, value: rate, unit: "GFLOP/s", note: shareText(rate, best) },
      );
      if (i === 0) continue;
      const than = id === "single" ? "one by one" : "one batch";
      const ratios = { id: name, what: `${views} views: batches of at most 5 are faster than ${than} by` };
      const fewer = { id: `${name}.fewer-dispatches`, what: `${views} views: fewer dispatches than ${than}` };
      figures.push(
        { ...ratios, value: medianRatio(totals[i]!, totals[0]!), unit: "x", note: depth },
        { ...fewer, value: dispatches / counts[0]!.dispatches, unit: "x" },
      );
    }
  }
  return figures;
}

function shareText(rate: number, best: number): string {
  return `${((100 * rate) / best).toFixed(0)} % of the best plain matmul`;
}

async function compressionFigures(context: PartContext, whole: PictureModel, best: number): Promise<Figure[]> {
  const { gpu, size, progress } = context;
  const { files, compression } = SIZES[size];
  const model = modelOf(files, compression.depth);
  const brief = isBrief(gpu.capabilities) && size === "small";
  const allViews = brief ? ([1] as const) : compression.views;
  const rounds = brief ? BRIEF_ROUNDS : compression.rounds;
  const most = Math.max(...allViews);
  const subject = new PictureSubject(gpu, model, { whole, views: most, capacity: CAPACITY, weights: "f16" });
  await subject.compile(planOf(model, 1));
  const figures: Figure[] = [];
  for (const views of allViews) {
    const plan = planOf(model, views);
    const works: PictureWork[] = [
      { plan, compression: NONE },
      ...RATIOS.map((ratio) => ({ plan, compression: { method: "vmtc" as const, ratio } })),
    ];
    progress(`views: ${views}, compressed and not`);
    const times = await inTurns(subject, works, rounds, false);
    const totals = times.map((each) => each.map(totalMs));
    const depth = depthText(model, whole, plan);
    const bound = (of: PictureModel, i: number) => (totalFlops(of, works[0]!) / totalFlops(of, works[i]!)).toFixed(2);
    for (const [i, work] of works.entries()) {
      const kept = i === 0 ? "all tokens" : `vmtc at ${100 * RATIOS[i - 1]!} %`;
      const name = `views.${i === 0 ? "none" : `vmtc-${100 * RATIOS[i - 1]!}`}-${views}`;
      const what = `${views} views, ${kept}`;
      const ms = median(totals[i]!);
      const rate = totalFlops(model, work) / ms / 1e6;
      const encodeMs = median(times[i]!.map((each) => each.encodeMs));
      figures.push(
        { id: `${name}.ms`, what: `${what}: picture to first token`, value: ms, unit: "ms", note: depth },
        { id: `${name}.encoder`, what: `${what}: encoder and connector`, value: encodeMs, unit: "ms" },
        {
          id: `${name}.rate`,
          what: `${what}: picture to first token`,
          value: rate,
          unit: "GFLOP/s",
          note: shareText(rate, best),
        },
      );
      if (i === 0) continue;
      const note = `the arithmetic allows ${bound(model, i)}x at this depth, ${bound(whole, i)}x in the whole model`;
      figures.push({
        id: name,
        what: `${what}: faster by`,
        value: medianRatio(totals[0]!, totals[i]!),
        unit: "x",
        note,
      });
      if (i === 1) figures.push(...(await stageFigures(context, { model, whole, work, views, encodeMs })));
    }
  }
  return figures;
}

/** The compression's own time, and its share of the whole encoder. */
async function stageFigures(
  { gpu, size }: PartContext,
  measured: { model: PictureModel; whole: PictureModel; work: PictureWork; views: Views; encodeMs: number },
): Promise<Figure[]> {
  const { model, whole, work, views, encodeMs } = measured;
  const { plan, compression } = work;
  const cells = plan.views.map(({ grid }) => cellCount(grid, model.encoder));
  const [viewPlan] = planCompression(compression, model.encoder, cells);
  const arena = gpu.arena.scope();
  const batch = Math.min(views, 5);
  const recordings = stageRecordings(gpu, arena, model.encoder, viewPlan!, batch);
  const times = await timeRecordings(gpu, recordings, { rounds: size === "large" ? 5 : 1, batchMs: 0 });
  arena.dispose();
  const stages = (times.reduce((sum, each) => sum + median(each), 0) * views) / batch;
  // Stages take the same time in an encoder of any depth; the rest grows with the arithmetic.
  const growth = pictureFlops(whole, work).encoder / pictureFlops(model, work).encoder;
  const rest = Math.max(0, encodeMs - stages);
  const share = (100 * stages) / (rest * growth + stages);
  const what = `${views} views, vmtc at 50 %`;
  const note = `the rest of the encoder at ${growth.toFixed(2)} times its measured depth`;
  return [
    { id: `views.stages-${views}`, what: `${what}: the three stages' own time`, value: stages, unit: "ms" },
    {
      id: `views.stages-${views}.share`,
      what: `${what}: the stages' share of the whole encoder`,
      value: share,
      unit: "%",
      note,
    },
  ];
}
