/** Every hidden state of the golden encoders without compression. */
import { describe, expect, test } from "vitest";
import type { Recorder } from "../../../src/gpu/pass.ts";
import { readFloats } from "../../../src/gpu/readback.ts";
import { type Tensor, view } from "../../../src/gpu/tensor.ts";
import { Encoder } from "../../../src/model/encoder/encoder.ts";
import { fillWeights, Weights } from "../../../src/model/load/fill.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { openCheckpoint } from "../../../src/weights/checkpoint.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { expectNmse } from "../../support/compare.ts";
import { describeModel } from "../../support/describe-model.ts";
import { GOLDEN_NAMES, loadGolden } from "../../support/golden.ts";
import { useGpu } from "../../support/gpu.ts";
import { sharedJson, sharedUrl } from "../../support/shared.ts";
import { NMSE_MODEL } from "../../support/tolerances.ts";

describe("golden encoders", () => {
  const { gpu: device } = useGpu();

  test.for(GOLDEN_NAMES)("hidden states of %s", async (name) => {
    const gpu = device();
    const arena = gpu.arena.scope();
    const golden = await loadGolden(name);
    const spec = describeModel({ "config.json": await sharedJson(`golden/${name}/config.json`) });
    const { grid } = spec.encoder!.positions;
    const side = grid.rows * spec.encoder!.patch.side;
    const checkpoint = await openCheckpoint(openFolder(sharedUrl(`golden/${name}`)));
    const matched = matchTensors(spec, checkpoint.tensors);
    const weights = new Weights(arena, matched);
    const encoder = new Encoder(gpu, weights, spec.encoder!);
    // The stored states are of the last image.
    const pixels = arena.tensor("pixels", [1, 3, side, side]);
    gpu.upload(pixels, Float32Array.from(golden.pixelValues.at(-1)!));

    const states: Tensor[] = [];
    const record = (recorder: Recorder) => {
      states.length = 0;
      encoder.encode(recorder, pixels, {
        grid,
        plan: { method: "none" },
        kept: arena,
        scratch: arena,
        onHidden: (index, hidden) => {
          states[index] = arena.tensor("hidden state", hidden.shape);
          recorder.copy(view(hidden, hidden.shape), states[index]);
        },
      });
    };
    await gpu.compile(record);
    await fillWeights(gpu, arena, weights, matched.parts, checkpoint);
    gpu.submit("encode", record);

    // LLaVA's features are of a layer before the last, which is not run.
    expect(states.length).toBe(spec.encoder!.runBlocks + 1);
    const stored = [...golden.expected.keys()].filter((key) => key.startsWith("vision.hidden"));
    // test/golden has the first and the last.
    expect(stored).toEqual(expect.arrayContaining(["vision.hidden0", `vision.hidden${spec.encoder!.runBlocks}`]));
    for (const key of stored) {
      const state = states[Number(key.slice("vision.hidden".length))]!;
      expectNmse(key, await readFloats(gpu, state), golden.expected.get(key)!.data, NMSE_MODEL);
    }
    arena.dispose();
  });
});
