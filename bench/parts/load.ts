/** Loading the demo model: its weights, its shaders and its GPU memory. */
import { loadEngine } from "../../src/engine/engine.ts";
import { openFolder } from "../../src/weights/folder.ts";
import type { Part } from "./part.ts";
import type { Figure } from "./result.ts";

const ROUNDS = 3;

/** The first load includes one-off costs; the fastest of the others counts. @param folder address of the model */
export const loadOf =
  (folder: string): Part =>
  async ({ progress }) => {
    progress("load: the demo model");
    const figures: Figure[] = [];
    let [least, leastCompile] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round <= ROUNDS; round++) {
      const start = performance.now();
      const engine = await loadEngine(openFolder(folder), { compile: "background" });
      const loaded = performance.now();
      await engine.compiled;
      const compiled = performance.now();
      const { gpu, weightBytes, text } = engine;
      if (round > 0) {
        least = Math.min(least, loaded - start);
        leastCompile = Math.min(leastCompile, compiled - loaded);
      }
      if (round === ROUNDS) {
        const { cacheBytes } = text!;
        const rest = gpu.arena.bytes - weightBytes - cacheBytes;
        const mib = (bytes: number) => bytes / 2 ** 20;
        figures.push(
          { id: "load.weights", what: "weights onto the GPU, from this machine", value: least, unit: "ms" },
          { id: "load.rate", what: "the same", value: weightBytes / least / 1e6, unit: "GB/s" },
          { id: "load.compile", what: "all shaders, compiled from scratch", value: leastCompile, unit: "ms" },
          { id: "memory.weights", what: "GPU memory: weights", value: mib(weightBytes), unit: "MiB" },
          {
            id: "memory.cache",
            what: `KV cache of ${text!.contextLength} tokens`,
            value: mib(cacheBytes),
            unit: "MiB",
          },
          { id: "memory.rest", what: "everything else", value: mib(rest), unit: "MiB" },
          {
            id: "memory.rest.share",
            what: "everything else, share of weights and KV cache",
            value: (100 * rest) / (weightBytes + cacheBytes),
            unit: "%",
          },
        );
      }
      gpu.dispose();
    }
    return figures;
  };
