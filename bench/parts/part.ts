/** A part of the benchmark, and its run on a device of its own. For pages and for Node. */
import { tune } from "../../src/engine/tuning.ts";
import { Gpu } from "../../src/gpu/device.ts";
import { SOFTWARE } from "../../src/kernels/software.ts";
import type { Figure, Missing, PartResult, SizeName } from "./result.ts";

export interface PartContext {
  gpu: Gpu;
  size: SizeName;
  /** Address of a folder with the trained ViT-Tiny, if there is one. */
  vitFolder: string | undefined;
  /** Address of the folder that bench/peers/export_smolvlm.py writes, if there is one. */
  smolvlmFolder: string | undefined;
  /** Called with each figure that cannot be measured here. */
  miss: (missing: Missing) => void;
  /** Called with the name of the current measurement. */
  progress: (what: string) => void;
}

/**
 * True if the device is a software adapter without subgroups, such as lavapipe under Firefox: parts of minutes do less
 * there.
 */
export function isBrief({ software, subgroups }: Gpu["capabilities"]): boolean {
  return software && !subgroups;
}

export type Part = (context: PartContext) => Promise<Figure[]>;

export interface RunOptions {
  /** Default: "small" on a software adapter, "large" on a GPU. */
  size?: SizeName | undefined;
  vitFolder?: string | undefined;
  smolvlmFolder?: string | undefined;
  progress?: (what: string) => void;
}

/** Runs a part on a new device and disposes of the device. */
export async function runPart(name: string, part: Part, options: RunOptions = {}): Promise<PartResult> {
  const start = performance.now();
  const gpu = await Gpu.open();
  // Dispatches are counted as on software adapters too.
  await SOFTWARE.load();
  try {
    const { software } = gpu.capabilities;
    // As the engine does at load.
    await tune(gpu, "auto", "q4");
    const { size = software ? "small" : "large", vitFolder, smolvlmFolder, progress = () => {} } = options;
    const missing: Missing[] = [];
    const miss = (each: Missing) => missing.push(each);
    const figures = await part({ gpu, size, vitFolder, smolvlmFolder, miss, progress });
    const features = [...gpu.device.features].filter((feature) => !feature.startsWith("core-")).sort();
    return {
      part: name,
      size,
      adapter: gpu.adapterName,
      software,
      runtime: runtimeName(),
      features,
      figures,
      missing,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    gpu.dispose();
  }
}

function runtimeName(): string {
  if (typeof process !== "undefined" && process.versions?.node) return `Dawn in Node ${process.versions.node}`;
  return /(?:Headless)?(Chrome|Firefox|Version)\/[\d.]+/.exec(navigator.userAgent)?.[0] ?? navigator.userAgent;
}
