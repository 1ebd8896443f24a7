/** The quantisations of a model in a folder, with their sizes, for a plan. */
import type { ModelPlan } from "../api.ts";
import type { BufferLimits } from "../gpu/limits.ts";
import type { ReadOptions } from "../weights/byte-source.ts";
import type { ModelVariant } from "../weights/formats/format.ts";
import type { ModelSurvey } from "../weights/survey.ts";
import { fitOf, mostWeightBytes } from "./fit.ts";

/** Lengths of all variants. Throws like `ModelFolder.open`. */
export async function planVariants(
  variants: readonly ModelVariant[],
  survey: ModelSurvey,
  limits: BufferLimits | undefined,
  options: ReadOptions,
): Promise<NonNullable<ModelPlan["variants"]>> {
  const most = mostWeightBytes(limits);
  return Promise.all(
    variants.map(async ({ name, files }) => {
      const lengths = await Promise.all(files.map((file) => survey.lengthOf(file, options)));
      const bytes = lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0);
      return { name, file: files[0]!, bytes, fits: bytes <= most, fit: fitOf(bytes, limits) };
    }),
  );
}
