import { expect, test } from "vitest";
import { FoveaError } from "../../../../src/errors.ts";
import { decoded, decodeRows, findIn } from "../../../support/packed-tensors.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../../../support/shared.ts";

/** What each message must tell. */
const CASES: Readonly<Record<string, RegExp[]>> = {
  "ct-weight-shape": [/layers\.0\.mlp\.down_proj\.weight_shape/, /\[32, ?128\]/, /\[32, ?64\]/],
  "ct-scale-shape": [/down_proj\.weight_scale/, /\[32, 1\]/, /\[32, 2\]/, /groups of 32/],
  "ct-scale-missing": [/down_proj\.weight_scale/, /missing/],
  "ct-format": [/nvfp4-pack-quantized/, /pack-quantized/],
  "ct-bits": [/num_bits is 3/, /4, 8/],
  "ct-activations": [/input_activations/, /static/],
  "mlx-biases-missing": [/down_proj\.biases/, /missing/],
  "mlx-group": [/scales/, /groups of 64/, /\[\d+, 1\]/],
  "mlx-bits": [/weight has 8 words a row/, /8 bits/, /need 16 words/],
  "mlx-mode": [/mxfp4/, /affine/],
  "gptq-g-idx": [/down_proj\.g_idx/, /names group 7 of 2/],
  "bnb-nf4": [/bitsandbytes/, /gptq/],
};

describeShared(needing("golden/formats", "hostile packed checkpoints"), () => {
  test.each(Object.entries(CASES))("%s is refused", async (name, tells) => {
    const folder = `golden/formats/hostile/${name}`;
    const file = await sharedBytes(`${folder}/model.safetensors`);
    const config = await sharedJson<object>(`${folder}/config.json`);
    const load = async () => {
      for (const tensor of decoded(await findIn(file, config))) decodeRows(file, tensor, 0, tensor.shape[0]!);
    };
    const error = await load().then(
      () => undefined,
      (error) => error,
    );
    expect(error).toBeInstanceOf(FoveaError);
    for (const tell of tells) expect(error.message).toMatch(tell);
  });
});
