/** A whole image encoder: ViT-Tiny at 224, or on a GPU the shape of CLIP ViT-L/14-336. */
import { VIT_TINY } from "./models.ts";
import type { Part } from "./part.ts";
import { measureRates, plainProductsOf } from "./rates.ts";
import type { SizeName } from "./result.ts";
import { VisionSubject } from "./vision-subject.ts";
import { encoderFlops } from "./work.ts";

/** A classifier of the size of LLaVA-1.5's encoder. */
const VIT_LARGE = {
  ...VIT_TINY,
  ...{ hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 24, num_attention_heads: 16 },
  ...{ image_size: 336, patch_size: 14 },
};

const SUBJECTS: Record<SizeName, { json: typeof VIT_TINY; name: string; rounds: number }> = {
  tiny: { json: { ...VIT_TINY, num_hidden_layers: 1, image_size: 32 }, name: "a block of ViT-Tiny at 32", rounds: 1 },
  small: { json: VIT_TINY, name: "ViT-Tiny at 224", rounds: 5 },
  large: { json: VIT_LARGE, name: "ViT-L/14 at 336", rounds: 9 },
};

export const vision: Part = async ({ gpu, size, progress }) => {
  const { json, name, rounds } = SUBJECTS[size];
  progress(`vision: ${name}`);
  const subject = await VisionSubject.open(gpu, { json });
  const { hidden_size: inner, intermediate_size: cols, image_size, patch_size } = json;
  const rows = (image_size / patch_size) ** 2 + 1;
  const own = {
    ...{ id: "vision", what: `a picture through ${name}`, record: subject.record, timed: true },
    flops: encoderFlops(subject.spec, subject.spec.positions.grid),
  };
  return measureRates(gpu, [...plainProductsOf(gpu, gpu.arena, { rows, cols, inner }), own], { rounds, batchMs: 0 });
};
