/**
 * The cost of a family at equal size: the time of an encoder row and of a token for 100 million parameters, relative to
 * a reference. Shapes are those of one published model for each family. Blocks and layers are cut to one of each kind.
 */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { Decoder } from "../../src/model/decoder/decoder.ts";
import { KvCache } from "../../src/model/decoder/kv-cache.ts";
import { causalRanges } from "../../src/model/decoder/visible.ts";
import { Encoder } from "../../src/model/encoder/encoder.ts";
import { loadPartsFor } from "../../src/model/late-parts.ts";
import { elementCount } from "../../src/shared/shape.ts";
import type { DecoderSpec, EncoderSpec } from "../../src/spec/model-spec.ts";
import type { TensorSpec } from "../../src/spec/tensor-spec.ts";
import { type FamilyModel, familyModels } from "./family-models.ts";
import { median, medianRatio, type Recording, timeRecordings } from "./measure.ts";
import { randomWeights } from "./models.ts";
import type { Part } from "./part.ts";
import type { Figure, SizeName } from "./result.ts";

/** The model that others are compared with, by its name among the published ones. */
const REFERENCE = "tiny-llava-v1-hf";
/** Tokens in the cache. */
const CACHED = 64;
/** Rows of embeddings, which cost nothing here. */
const VOCABULARY = 256;
/** Patches of a view, each way: a multiple of all cells and windows of models. */
const SIDE: Record<SizeName, number> = { tiny: 8, small: 16, large: 32 };

/** Work of one half of a model, and its size. */
interface Half {
  record: Recording;
  /** Parameters that it multiplies with. */
  parameters: number;
  /** Encoder rows, or tokens. */
  rows: number;
}

export const families: Part = async ({ gpu, size, progress }) => {
  const { reference, models } = familyModels(REFERENCE);
  await Promise.all(models.map(({ spec }) => loadPartsFor(spec)));
  const rounds = { tiny: 1, small: 2, large: 7 }[size];
  const halves = {
    token: (arena: Arena, { spec }: FamilyModel) => spec.decoder && tokenOf(gpu, arena, spec.tensors, spec.decoder),
    row: (arena: Arena, { spec }: FamilyModel) =>
      spec.encoder && encoderOf(gpu, arena, spec.tensors, spec.encoder, SIDE[size]),
  };
  const figures: Figure[] = [];
  for (const [id, open] of Object.entries(halves)) {
    const kept = gpu.arena.scope();
    const own = open(kept, reference)!;
    for (const model of size === "tiny" ? models.slice(0, 3) : models) {
      const scope = gpu.arena.scope();
      try {
        const half = open(scope, model);
        if (!half) continue;
        progress(`families: ${id} of ${model.family} (${model.name})`);
        const times = await timeRecordings(gpu, [half.record, own.record], { rounds, batchMs: 0 });
        const [cost, beside] = [normal(times[0]!, half), normal(times[1]!, own)];
        const value = median(cost);
        const what = `${model.family}: ${id === "row" ? "an encoder row" : "a token"}, 100 M parameters`;
        const note = `${model.name}; ${medianRatio(cost, beside).toFixed(2)} times ${REFERENCE}`;
        figures.push({ id: `families.${id}.${model.family}`, what, value, unit: "ms", note });
      } finally {
        scope.dispose();
      }
    }
    kept.dispose();
  }
  return figures;
};

/** Milliseconds of a row with 100 million parameters. */
function normal(times: readonly number[], { parameters, rows }: Half): number[] {
  return times.map((ms) => (ms * 1e8) / parameters / rows);
}

/** One token through the first layers, up to one of each kind. */
function tokenOf(gpu: Gpu, arena: Arena, all: readonly TensorSpec[], whole: DecoderSpec): Half {
  const kinds = whole.layers.map(({ attention, delta, convolution }) =>
    JSON.stringify([attention?.window, attention?.heads, !!delta, !!convolution]),
  );
  const depth = 1 + Math.max(...[...new Set(kinds)].map((kind) => kinds.indexOf(kind)));
  const spec = { ...whole, layers: whole.layers.slice(0, depth), vocabularySize: VOCABULARY };
  const tensors = cut(all, "decoder", depth, "layers").map((tensor) =>
    tensor.shape[0] === whole.vocabularySize ? { ...tensor, shape: [VOCABULARY, ...tensor.shape.slice(1)] } : tensor,
  );
  const weights = randomWeights(gpu, { tensors }, "q4", arena);
  const decoder = new Decoder(gpu, arena, weights, spec, { chunkRows: 1, positions: 2 * CACHED });
  const cache = new KvCache(arena, spec, 2 * CACHED);
  const ids = arena.tensor("ids", [1], "u32");
  const positions = arena.tensor("positions", [decoder.axes, 1], "u32");
  gpu.upload(positions, new Uint32Array(decoder.axes).fill(CACHED));
  const visible = decoder.windows.map(() => arena.tensor("visible", [1, 2], "u32"));
  for (const ranges of visible) gpu.upload(ranges, causalRanges(1, CACHED));
  const record = (recorder: Recorder) => {
    decoder.embed(recorder, ids);
    decoder.forward(recorder, { positions, visible, cache, start: CACHED });
  };
  return { record, parameters: multiplied(tensors), rows: 1 };
}

/** A view through the patches and the first block. */
function encoderOf(gpu: Gpu, arena: Arena, all: readonly TensorSpec[], whole: EncoderSpec, side: number): Half {
  const grid = { rows: side, cols: side };
  const { positions, taps: _, ...rest } = whole;
  const table = positions.table && { table: grid };
  const spec: EncoderSpec = { ...rest, blocks: 1, runBlocks: 1, positions: { ...positions, grid, ...table } };
  const first = spec.classToken ? 1 : 0;
  const tensors = cut(all, "encoder", 1, "blocks").map((tensor) =>
    tensor.name === "encoder.positions" ? { ...tensor, shape: [side * side + first, tensor.shape[1]!] } : tensor,
  );
  const encoder = new Encoder(gpu, randomWeights(gpu, { tensors }, "f32", arena), spec);
  const pixels = arena.tensor("pixels", [1, 3, side * spec.patch.side, side * spec.patch.side]);
  const record: Recording = (recorder, scratch) => {
    encoder.encode(recorder, pixels, { grid, plan: { method: "none" }, kept: scratch, scratch });
  };
  return { record, parameters: multiplied(tensors), rows: side * side + first };
}

/** The tensors of one room, without those of blocks from `depth` on. */
function cut(tensors: readonly TensorSpec[], room: string, depth: number, blocks: string): TensorSpec[] {
  return tensors.filter(({ name }) => {
    const [own, part, number] = name.split(".");
    return own === room && !(part === blocks && Number(number) >= depth);
  });
}

function multiplied(tensors: readonly TensorSpec[]): number {
  return tensors.filter(({ use }) => use === "linear").reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
