/** Tunes the kernels to the device at load: f16 if it is correct, and the fastest variants, cached per adapter. */
import type { LoadOptions } from "../api.ts";
import type { Gpu } from "../gpu/device.ts";
import { f16IsCorrect, fastestVariants } from "../kernels/tuning.ts";
import type { Storage } from "../model/load/precision.ts";

/** Cache of the measurements. The address is a name in this cache; nothing is fetched from it. */
const CACHE = "fovea-tuning";

/**
 * Sets the kernel variants of `gpu`. "auto" multiplies in f16 where the weights are packed: a caller who keeps them in
 * f32 wants f32. "f16" does so wherever a shape allows it. A device without f16, or with incorrect f16, uses f32.
 *
 * @returns the arithmetic of the products of many rows; attention, norms and sums are always f32
 */
export async function tune(
  gpu: Gpu,
  precision: NonNullable<LoadOptions["precision"]>,
  storage: Storage,
): Promise<"f32" | "f16"> {
  // Software adapters gain nothing from f16, and their fastest variants are known (matmul.ts, row-product.ts).
  const { software } = gpu.capabilities;
  const isWanted = precision === "f16" || (precision === "auto" && storage !== "f32" && !software);
  if (isWanted && (await f16IsCorrect(gpu))) gpu.prefer({ f16: precision === "f16" ? "all" : "packed" });
  if (!software) gpu.prefer({ fastest: await remembered(gpu) });
  const { f16, fastest } = gpu.capabilities;
  if (precision === "f16" && f16 === "all") gpu.prefer({ fastest: { ...fastest, matmul: "f16 tiles" } });
  return f16 !== "none" && gpu.capabilities.fastest.matmul === "f16 tiles" ? "f16" : "f32";
}

async function remembered(gpu: Gpu): Promise<Record<string, string>> {
  const { subgroups, f16 } = gpu.capabilities;
  const address = `/${encodeURIComponent(`${gpu.adapterName} ${navigator.userAgent} ${subgroups} f16 ${f16}`)}`;
  // `caches` is missing outside browsers, and some refuse it in private windows.
  const cache = await globalThis.caches?.open(CACHE).catch(() => undefined);
  const found = await cache?.match(address);
  if (found) return (await found.json()) as Record<string, string>;
  const fastest = await fastestVariants(gpu);
  await cache?.put(address, Response.json(fastest)).catch(() => {});
  return fastest;
}
