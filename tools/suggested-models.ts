/** The models that weights-manifest.json suggests, with sizes planned from the published repositories of test/families. */
import {
  existsSync,
  mkdtempSync,
  openAsBlob,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planModel } from "../src/engine/plan-model.ts";
import { DESCRIPTION_FILES } from "../src/shared/model-files.ts";
import { elementCount } from "../src/shared/shape.ts";
import { type NamedShape, type TensorList, tensorsOf } from "../test/support/tensor-list.ts";
import { fileOf } from "../test/weights/safetensors-file.ts";

export interface SuggestedModel {
  /** On the hub, with a variant where the repository has several. */
  name: string;
  family: string;
  /** The model's abilities, in a few plain words. */
  skill: string;
  licence: string;
  /** True if the published weights were run; otherwise random weights of the same shape were. */
  published: boolean;
  /** Bytes to download. */
  bytes: number;
  /** Bytes on the GPU, with the costliest picture. */
  gpuBytes?: number;
  /**
   * Share of the image tokens to begin with, for a model that reads pictures. Models that read small text get all,
   * others half, as in the paper. Measured with no published weights.
   */
  budget?: number;
  /** A repository with the same model in 4 or 8 bits. */
  small?: string;
}

export const MANIFEST = new URL("../weights-manifest.json", import.meta.url);
const PUBLISHED = new URL("../test/families/", import.meta.url);

/** The entry with the sizes that `planModel` returns for a checkpoint in bf16 without device limits. */
async function withSizes(model: SuggestedModel): Promise<SuggestedModel> {
  const repository = model.name.split("/")[1];
  const family = readdirSync(PUBLISHED).find((name) =>
    existsSync(new URL(`${name}/${repository}/tensors.json`, PUBLISHED)),
  );
  // Sizes of a model without a folder are written by hand.
  if (family === undefined) return model;
  const folder = new URL(`${family}/${repository}/`, PUBLISHED);
  const text = (name: string) => readFileSync(new URL(name, folder), "utf8");
  const there = DESCRIPTION_FILES.filter((name) => existsSync(new URL(name, folder)));
  const scratch = mkdtempSync(join(tmpdir(), "fovea-sizes-"));
  try {
    const plan = await planModel({
      ...Object.fromEntries(there.map((name) => [name, new Blob([text(name)])])),
      ...(await emptyShards(scratch, tensorsOf(JSON.parse(text("tensors.json")) as TensorList))),
    });
    const { family: planned, totalBytes, gpu } = plan;
    return { ...model, family: planned, bytes: totalBytes, gpuBytes: gpu.totalBytes + gpu.pictureBytes };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Node's blobs of files hold at most 4 GiB. */
const MAX_SHARD_BYTES = 2 ** 31;

/** Sparse files with the headers of these tensors in bf16, without values. */
async function emptyShards(folder: string, tensors: readonly NamedShape[]): Promise<Record<string, Blob>> {
  const shards: Record<string, { dtype: "BF16"; shape: readonly number[]; data_offsets: [number, number] }>[] = [];
  let end = Number.POSITIVE_INFINITY;
  for (const [name, shape] of tensors) {
    const bytes = 2 * elementCount(shape);
    if (end + bytes > MAX_SHARD_BYTES) {
      shards.push({});
      end = 0;
    }
    shards.at(-1)![name] = { dtype: "BF16", shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const nameOf = (i: number) => `model-${i + 1}-of-${shards.length}.safetensors`;
  const weightMap = shards.flatMap((shard, i) => Object.keys(shard).map((name) => [name, nameOf(i)]));
  const files = {
    "model.safetensors.index.json": new Blob([JSON.stringify({ weight_map: Object.fromEntries(weightMap) })]),
  };
  for (const [i, shard] of shards.entries()) {
    const header = fileOf(JSON.stringify(shard));
    const file = join(folder, nameOf(i));
    writeFileSync(file, header);
    truncateSync(file, header.length + Object.values(shard).at(-1)!.data_offsets[1]);
    Object.assign(files, { [nameOf(i)]: await openAsBlob(file) });
  }
  return files;
}

/** The list with families and sizes planned anew. */
export const sizedModels: SuggestedModel[] = [];
const { suggested } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { suggested: SuggestedModel[] };
for (const model of suggested) sizedModels.push(await withSizes(model));
