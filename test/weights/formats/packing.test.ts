import { expect, test } from "vitest";
import { openCheckpoint } from "../../../src/weights/checkpoint.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { f32, safetensorsFile } from "../safetensors-file.ts";

const folder = openFolder({ "model.safetensors": safetensorsFile([f32("t", 4)]) });

test.each<[Record<string, unknown>, RegExp]>([
  [
    { quantization_config: { quant_method: "unheard-of" } },
    /^config\.json: quantization_config\.quant_method is "unheard-of".*gptq/,
  ],
  [{ quantization_config: {} }, /quantization_config\.quant_method is missing; .*unquantised/],
  [{ text_config: { quantization_config: {} } }, /text_config\.quantization_config\.quant_method is missing/],
  [{ vision_config: { quantization: {} } }, /vision_config\.quantization\.quant_method is missing/],
  [{ quantization: "int3" }, /config\.json: quantization is "int3"/],
  [{ quantization_config: { load_in_4bit: true } }, /load_in_4bit is true; .*bitsandbytes/],
  ...["fp8", "hqq", "mxfp4", "bitnet", "quanto", "aqlm", "torchao", "modelopt"].map(
    (method): [Record<string, unknown>, RegExp] => [
      { quantization_config: { quant_method: method } },
      new RegExp(`quant_method is "${method}"; supported: mlx`),
    ],
  ),
])("a packing that is not known: %j", async (config, message) => {
  await expect(openCheckpoint(folder, { config })).rejects.toMatchObject({ code: "unsupported-model" });
  await expect(openCheckpoint(folder, { config })).rejects.toThrow(message);
});

test("null is no packing, as transformers writes it", async () => {
  const { tensors } = await openCheckpoint(folder, { config: { quantization_config: null } });
  expect([...tensors.keys()]).toEqual(["t"]);
});
