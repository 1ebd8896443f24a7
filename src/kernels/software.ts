/** The shaders of software adapters. The engine loads them on such an adapter, before anything is recorded. */
import type { Capabilities } from "../gpu/pass.ts";
import { LatePart } from "../late-part.ts";

export const SOFTWARE = new LatePart("software adapters", () => import("./software-shaders.ts"));

/** Loads what the kernels need on such an adapter. Throws FoveaError `download-failed`. */
export async function loadShadersFor({ software }: Pick<Capabilities, "software">): Promise<void> {
  if (software) await SOFTWARE.load();
}
