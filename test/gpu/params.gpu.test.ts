/** Parameters of a dispatch, as immediates and as uniforms: which one a device gets makes no difference to results. */
import { afterEach, expect, test, vi } from "vitest";
import { Gpu } from "../../src/gpu/device.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { rmsNorm } from "../../src/kernels/rms-norm.ts";
import { loadShadersFor } from "../../src/kernels/software.ts";
import { rmsNorm as reference } from "../reference/rms-norm.ts";
import { expectNmse } from "../support/compare.ts";
import { DEVICE } from "../support/device.ts";
import { inputTensor, outputTensor } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

afterEach(() => vi.restoreAllMocks());

test.for(DEVICE.immediates ? [true, false] : [false])(
  "immediates %s: each dispatch of a pass gets its own",
  async (hasImmediates) => {
    if (!hasImmediates) {
      const language = navigator.gpu.wgslLanguageFeatures;
      const has = language.has.bind(language);
      vi.spyOn(language, "has").mockImplementation((name) => name !== "immediate_address_space" && has(name));
    }
    const gpu = await Gpu.open();
    await loadShadersFor(gpu.capabilities);
    const writes = vi.spyOn(gpu.device.queue, "writeBuffer");
    const row = [1, -2, 3, 0.5];
    const weight = inputTensor(gpu, [4], [1, 2, 3, 4]);
    const x = inputTensor(gpu, [1, 4], row);
    // Enough that as uniforms they fill the slab more than once.
    const cases = Array.from({ length: 1500 }, (_, i) => ({ eps: i / 100, y: outputTensor(gpu, [1, 4]) }));
    await gpu.compile((pass) => rmsNorm(pass, { x, weight, ...cases[0]! }));
    writes.mockClear();
    const { submits } = gpu.submit("test", (pass) => {
      for (const args of cases) rmsNorm(pass, { x, weight, ...args });
    });
    expect(writes.mock.calls.length, "uploads of parameters").toBe(hasImmediates ? 0 : submits);
    expect(submits).toBe(hasImmediates ? 1 : 2);
    for (const { eps, y } of [cases[0]!, cases[1]!, cases[1023]!, cases[1024]!, cases[1499]!])
      expectNmse(`eps ${eps}`, await readFloats(gpu, y), reference(row, [1, 2, 3, 4], eps), NMSE_PRODUCT);
    gpu.dispose();
  },
);
