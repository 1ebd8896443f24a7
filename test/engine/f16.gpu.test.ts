/**
 * Models with their products in f16: near float64 on a device that has f16 arithmetic, and in f32 on one whose arithmetic is
 * wrong, which the self-test at load must notice.
 */
import { describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { requestDevice } from "../../src/gpu/device.ts";
import { nmse } from "../support/compare.ts";
import { GOLDEN_NAMES, goldenPixels, loadGolden } from "../support/golden.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";
import { logitErrors } from "../support/shipped-model.ts";
import { NMSE_HALF_MODEL, NMSE_HALF_RANDOM_MODEL, NMSE_MODEL } from "../support/tolerances.ts";

const NAMES = GOLDEN_NAMES.map((name) => [name] as const);
/** A part of the shader of f16 products, and what a lying device has in its place. */
const LIES: Record<string, [part: string, lie: string]> = {
  "returns zeros": ["return vec4f(tile) * ", "return 0.0 * vec4f(tile) * "],
  "loses bits": ["return Tile(clamp(", "return Tile(0.0, 0.0, 0.0, 0.1) + Tile(clamp("],
  "cuts large values off": ["exceeded = exceeded || ", "exceeded = exceeded && "],
  "refuses the shader": ["return vec4f(tile) * ", "return tile.nothing * "],
};

/** A device with f16 whose shaders of f16 have `lie` for `part`. */
async function lyingDevice([part, lie]: [string, string]): Promise<GPUDevice> {
  const device = await requestDevice();
  const createShaderModule = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    const isHalf = descriptor.code.includes("enable f16;");
    if (isHalf) expect(descriptor.code).toContain(part);
    return createShaderModule({ ...descriptor, code: isHalf ? descriptor.code.replace(part, lie) : descriptor.code });
  };
  return device;
}

const hasHalves = (await navigator.gpu.requestAdapter())!.features.has("shader-f16");

describe.skipIf(!hasHalves)("in f16 [needs shader-f16]", () => {
  const { device } = useDevice();

  /** Errors of logits and features without compression, against float64. */
  async function errorsOf(name: (typeof GOLDEN_NAMES)[number], fovea: Fovea) {
    const golden = await loadGolden(name);
    const request = { pixelValues: goldenPixels(golden), inputIds: golden.inputIds };
    const { logits, images } = await fovea.inspect({ ...request, compression: { method: "none" } });
    return {
      logits: nmse(logits.data, golden.expected.get("base.logits")!.data),
      features: nmse(images[0]!.projected.data, golden.expected.get("base.projected0")!.data),
    };
  }

  test.each(NAMES)("golden %s", async (name) => {
    const fovea = await Fovea.load(sharedUrl(`golden/${name}`), { precision: "f16", device: device() });
    try {
      expect(fovea.info.precision).toBe("f16");
      const errors = await errorsOf(name, fovea);
      console.log(`${name} in f16: ${JSON.stringify(errors)}`);
      for (const [what, error] of Object.entries(errors)) {
        expect(error, what).toBeLessThan(NMSE_HALF_RANDOM_MODEL);
        expect(error, `${what}: not computed in f16`).toBeGreaterThan(NMSE_MODEL);
      }
    } finally {
      fovea.dispose();
    }
  });

  test("the model that ships, against PyTorch", async () => {
    const fovea = await Fovea.load(new URL("/fovea-demo/", location.href), {
      precision: "f16",
      cache: "none",
      device: device(),
    });
    try {
      const errors = await logitErrors(fovea);
      console.log(`fovea-demo in f16: ${errors}`);
      expect(Math.max(...errors)).toBeLessThan(NMSE_HALF_MODEL);
    } finally {
      fovea.dispose();
    }
  });

  test.each(Object.entries(LIES))("a device that %s runs in f32", async (_, lie) => {
    const device = await lyingDevice(lie);
    const fovea = await Fovea.load(sharedUrl(`golden/${GOLDEN_NAMES[0]}`), { device, precision: "f16" });
    try {
      expect(fovea.info.precision).toBe("f32");
      const { logits } = await errorsOf(GOLDEN_NAMES[0], fovea);
      expect(logits).toBeLessThan(NMSE_MODEL);
    } finally {
      fovea.dispose();
      device.destroy();
    }
  });
});
