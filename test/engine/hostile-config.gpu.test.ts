/**
 * Damaged or contradicting small files (config, tokenizer, chat template, preprocessing), and wrong arguments of
 * `Fovea.load`: each is refused before anything is allocated. What a checkpoint's weights may do is hostile-weights.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea, type LoadOptions, type ModelFiles } from "../../src/index.ts";
import {
  type CountedDevice,
  changed,
  countedDevice,
  expectRefusal,
  type Files,
  json,
  type Refusal,
  sharedFiles,
} from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";
import { sharedUrl } from "../support/shared.ts";
import { fileOf } from "../weights/safetensors-file.ts";

const BAD = "bad-weights";
const UNSUPPORTED = "unsupported-model";

/** Changes of config.json's fields, and what the refusal must say. */
const FIELDS: { change: Record<string, unknown>; says: RegExp }[] = [
  { change: { model_type: undefined }, says: /config\.json: model_type is missing; supported: .*idefics3, smolvlm,/ },
  { change: { model_type: "gpt2" }, says: /model_type is "gpt2": GPT-2 .*positions.*; supported: .*llava, / },
  { change: { model_type: "__proto__" }, says: /model_type is "__proto__"/ },
  { change: { model_type: 5 }, says: /model_type is 5/ },
  {
    change: { quantization_config: { bits: 4 } },
    says: /quantization_config\.quant_method is missing; supported: mlx .*unquantised/,
  },
  { change: { quantization: { bits: 4 } }, says: /quantization\.quant_method is missing; supported: mlx/ },
  { change: { hidden_size: 1e12 }, says: /hidden_size is 1000000000000; supported: an integer from 1 to/ },
  { change: { hidden_size: "64" }, says: /hidden_size is "64"/ },
  { change: { hidden_size: [64] }, says: /hidden_size is a list of 1/ },
  { change: { num_hidden_layers: -1 }, says: /num_hidden_layers is -1/ },
  { change: { num_hidden_layers: 1e6 }, says: /num_hidden_layers is 1000000/ },
  { change: { num_attention_heads: 0 }, says: /num_attention_heads is 0/ },
  { change: { num_attention_heads: 7, head_dim: null }, says: /num_attention_heads is 7; supported: a divisor of/ },
  {
    change: { num_key_value_heads: 3 },
    says: /num_key_value_heads is 3; supported: a divisor of num_attention_heads 8/,
  },
  { change: { head_dim: 9 }, says: /head_dim is 9; supported: heads of an even width/ },
  { change: { vocab_size: 2 ** 40 }, says: /vocab_size is 1099511627776/ },
  { change: { rms_norm_eps: 0 }, says: /rms_norm_eps is 0/ },
  { change: { rms_norm_eps: "1e-5" }, says: /rms_norm_eps is "1e-5"/ },
  { change: { rope_theta: -1 }, says: /rope_theta is -1/ },
  {
    change: { rope_scaling: { type: "spiral", factor: 2 } },
    says: /rope_scaling\.type is "spiral"; supported: default, linear/,
  },
  { change: { rope_parameters: { rope_type: "yarn" } }, says: /rope_parameters\.factor is missing/ },
  { change: { max_position_embeddings: 0 }, says: /max_position_embeddings is 0/ },
  { change: { hidden_act: "relu6" }, says: /hidden_act is "relu6"; supported: gelu, .*silu/ },
  { change: { attention_bias: true }, says: /attention_bias is true/ },
  { change: { tie_word_embeddings: "yes" }, says: /tie_word_embeddings is "yes"/ },
];

const TEMPLATE = "tokenizer_config.json: chat_template";
/** Chat templates: programs that come with the model. */
const TEMPLATES: { what: string; template: unknown; says: RegExp }[] = [
  { what: "that does not parse", template: "{% for m in messages %}{{ m.content }}", says: /cannot be parsed/ },
  { what: "that is a number", template: 5, says: /chat_template/ },
  {
    what: "without an end",
    template: `{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}{{ messages[0].content }}`,
    says: /it takes more than \d+ steps/,
  },
  {
    what: "that calls itself",
    template: "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}{{ messages[0].content }}",
    says: /cannot write one message|fails/,
  },
  {
    what: "that doubles a text",
    template: `{% set ns = namespace(t="x") %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ messages[0].content }}`,
    says: /it makes a string of more than \d+ characters/,
  },
  { what: "that leaves the question out", template: "Hello!", says: /it leaves the text out/ },
  { what: "that refuses everybody", template: "{{ raise_exception('go away') }}", says: /go away/ },
];

/** What preprocessor_config.json says against an encoder that reads 112 x 112 pixels. */
const PREPROCESSING: { content: unknown; kind: Refusal; says: RegExp }[] = [
  { content: "{", kind: BAD, says: /preprocessor_config\.json in the given files: not valid JSON/ },
  { content: [], kind: UNSUPPORTED, says: /preprocessor_config\.json is a list of 0; expected an object/ },
  {
    content: { size: { shortest_edge: 336 }, crop_size: 336, do_center_crop: true },
    kind: UNSUPPORTED,
    says: /crop_size is 336, but config\.json's encoder reads 112 x 112 pixels; one of the files is of another model/,
  },
  { content: { do_resize: false }, kind: UNSUPPORTED, says: /do_resize is false/ },
  {
    content: { resample: 5 },
    kind: UNSUPPORTED,
    says: /resample is 5; supported: 1 \(lanczos\), 2 \(bilinear\) and 3/,
  },
  { content: { image_std: [0, 1, 1] }, kind: UNSUPPORTED, says: /image_std is a list of 3; supported: three numbers/ },
  { content: { image_processor_type: "FancyProcessor" }, kind: UNSUPPORTED, says: /image_processor_type is "Fancy/ },
  { content: { rescale_factor: 1e300 }, kind: UNSUPPORTED, says: /rescale_factor is 1e\+300/ },
];

/** Options of load; each is wrong by its kind (TypeError) or by its value (RangeError). */
const OPTIONS: { options: unknown; kind: Refusal; says: RegExp }[] = [
  { options: null, kind: TypeError, says: /options must be an object with fields, got Null/ },
  { options: "fast", kind: TypeError, says: /options must be an object with fields, got String/ },
  { options: { precision: "f64" }, kind: RangeError, says: /precision must be "auto" or .*, got "f64"/ },
  { options: { weights: "q9" }, kind: RangeError, says: /weights must be "auto" or .*, got "q9"/ },
  { options: { cache: "disk" }, kind: RangeError, says: /cache must be .*"none", got "disk"/ },
  { options: { maxContext: 0 }, kind: RangeError, says: /maxContext must be an integer from 1 to 512, got 0/ },
  { options: { maxContext: 513 }, kind: RangeError, says: /maxContext must be an integer from 1 to 512, got 513/ },
  { options: { maxContext: 1.5 }, kind: RangeError, says: /maxContext must be an integer .*, got 1\.5/ },
  { options: { maxContext: "64" }, kind: RangeError, says: /maxContext must be an integer .*, got 64/ },
  { options: { device: {} }, kind: TypeError, says: /device must be a GPUDevice, got Object/ },
  { options: { device: null }, kind: TypeError, says: /device must be a GPUDevice, got Null/ },
  { options: { signal: new AbortController() }, kind: TypeError, says: /signal must be .*, got AbortController/ },
  { options: { onProgress: "tell me" }, kind: TypeError, says: /onProgress must be a function, got String/ },
];

/** What is no checkpoint. */
const SOURCES: { source: () => unknown; kind: Refusal; says: RegExp }[] = [
  {
    source: () => undefined,
    kind: TypeError,
    says: /source must be a known name, owner\/name on the Hugging Face hub, an http\(s\) address, or an object/,
  },
  { source: () => 5, kind: TypeError, says: /source must be/ },
  { source: () => [new Uint8Array(1)], kind: TypeError, says: /source must be/ },
  {
    source: () => "",
    kind: TypeError,
    says: /"" is not a model; use a known name, owner\/name on the Hugging Face hub, or the http\(s\) address/,
  },
  { source: () => "no-such-model", kind: TypeError, says: /"no-such-model" is not a model/ },
  { source: () => "ftp://example.org/model", kind: TypeError, says: /ftp.* is not a model/ },
  {
    source: () => "https://me:secret@example.org/m",
    kind: TypeError,
    says: /must not contain a user name or password/,
  },
  {
    source: () => ({ "config.json": "{}" }),
    kind: TypeError,
    says: /the file "config\.json" must be a Blob, an ArrayB/,
  },
  { source: () => ({}), kind: UNSUPPORTED, says: /no config\.json in the given files: is this the folder of a model/ },
  {
    source: () => ({ "a/config.json": new Uint8Array(2), "b/config.json": new Uint8Array(2) }),
    kind: BAD,
    says: /"a\/config\.json" and "b\/config\.json" are both among the given files/,
  },
  {
    source: () => sharedUrl("golden/no-such-folder"),
    kind: UNSUPPORTED,
    says: /no config\.json in http.*no-such-folder/,
  },
];

describe("hostile small files and arguments", () => {
  let counted: CountedDevice;
  let small: Files;
  let golden: Files;

  beforeAll(async () => {
    counted = await countedDevice();
    small = languageFiles();
    golden = await sharedFiles("golden/clip-llama-f32", ["config.json", "model.safetensors"]);
  });
  afterAll(() => {
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  /** Nothing may be allocated, not even for a while. */
  async function expectNoLoad(source: unknown, kind: Refusal, says: RegExp, options?: unknown): Promise<void> {
    const { device } = counted;
    const before = counted.made();
    const given = options === undefined ? { device } : options;
    await expectRefusal(() => Fovea.load(source as ModelFiles, given as LoadOptions), kind, says);
    expect(counted.made()).toBe(before);
  }

  const expectConfig = (text: string | object | undefined, kind: Refusal, says: RegExp) =>
    expectNoLoad(changed(small, { "config.json": text }), kind, says);

  test("config.json", async () => {
    await expectConfig(undefined, UNSUPPORTED, /no config\.json in the given files/);
    await expectConfig("", BAD, /config\.json in the given files: not valid JSON/);
    await expectConfig('{"model_type": "llama",', BAD, /config\.json in the given files: not valid JSON/);
    await expectConfig(new Uint8Array([0x7b, 0xff, 0xfe]), BAD, /config\.json in the given files: not UTF-8/);
    await expectConfig("[]", UNSUPPORTED, /config\.json is a list of 0; expected an object/);
    await expectConfig("null", UNSUPPORTED, /config\.json is null; expected an object/);
    await expectConfig(new Uint8Array((64 << 20) + 1), BAD, /config\.json .*: 67108865 bytes, the limit is 67108864/);
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    await expectConfig(
      `{"model_type": ${deep}}`,
      BAD,
      /config\.json in the given files: nested more than 100 levels deep/,
    );
  });

  test.for(FIELDS)("config.json with $change", ({ change, says }) =>
    expectConfig({ ...json(small, "config.json"), ...change }, UNSUPPORTED, says),
  );

  test("large shapes beside empty weights", async () => {
    const sizes = { hidden_size: 32768, intermediate_size: 131072, num_hidden_layers: 512, vocab_size: 1 << 20 };
    const config = { ...json(small, "config.json"), ...sizes, num_attention_heads: 256, head_dim: 128 };
    const files = changed(small, { "config.json": config, "model.safetensors": fileOf("{}") });
    await expectNoLoad(files, BAD, /missing: "model\.embed_tokens\.weight" of shape \[1048576, 32768\]/);
  });

  test("a context beyond the device", async () => {
    const config = { ...json(small, "config.json"), max_position_embeddings: 1 << 24 };
    const files = changed(small, { "config.json": config });
    const load = () => Fovea.load(files, { device: counted.device, maxContext: 1 << 24 });
    await expectRefusal(
      load,
      "out-of-memory",
      /keys and values of layer 0 needs 4294967296 bytes .* this device allows 134217728/,
    );
    expect(counted.live()).toEqual([]);
  });

  test("tokenizer.json", async () => {
    const tokenizer = json(small, "tokenizer.json");
    const expectTokenizer = (content: string | object, says: RegExp) =>
      expectNoLoad(changed(small, { "tokenizer.json": content }), UNSUPPORTED, says);
    await expectTokenizer("", /tokenizer\.json: not valid JSON/);
    await expectTokenizer('{"model"', /tokenizer\.json: not valid JSON/);
    await expectTokenizer([], /tokenizer\.json: expected an object, got \[\]/);
    await expectTokenizer({}, /tokenizer\.json: model: expected an object, got undefined/);
    await expectTokenizer({ ...tokenizer, model: { type: "Magic", vocab: {} } }, /tokenizer\.json: model.*"Magic"/);
    await expectTokenizer({ ...tokenizer, model: { type: "BPE", vocab: {}, merges: [] } }, /vocab.* is empty/);
    await expectTokenizer({ ...tokenizer, model: { type: "BPE", vocab: { a: 1e9 }, merges: [] } }, /vocab\["a"\]/);
    // A space that does not break, in place of a token's own character, as editors leave it.
    const { model } = tokenizer as { model: { merges: string[] } };
    const merges = model.merges.with(3, "\u0120\u00a0u");
    await expectTokenizer(
      { ...tokenizer, model: { ...model, merges } },
      /tokenizer\.json: model\.merges\[3\].* damaged/,
    );
  });

  test("companions of tokenizer.json", async () => {
    const expectFile = (name: string, content: string | object, says: RegExp) =>
      expectNoLoad(changed(small, { [name]: content }), UNSUPPORTED, says);
    await expectFile("tokenizer_config.json", "{", /tokenizer_config\.json: not valid JSON/);
    await expectFile("tokenizer_config.json", { eos_token: 5 }, /tokenizer_config\.json: eos_token/);
    await expectFile("special_tokens_map.json", "[]", /special_tokens_map\.json: expected an object/);
    await expectFile("generation_config.json", { eos_token_id: ["x"] }, /generation_config\.json: eos_token_id: .*"x"/);
    await expectFile("chat_template.jinja", "{% if %}", /chat_template\.jinja: the template cannot be parsed/);
  });

  test.for(TEMPLATES)("a chat template $what", async ({ template, says }) => {
    const config = { ...json(small, "tokenizer_config.json"), chat_template: template };
    const files = changed(small, { "tokenizer_config.json": config });
    await expectNoLoad(files, UNSUPPORTED, says);
    await expectNoLoad(files, UNSUPPORTED, new RegExp(TEMPLATE));
  });

  test.for(PREPROCESSING)("preprocessor_config.json with $content", ({ content, kind, says }) =>
    expectNoLoad(changed(golden, { "preprocessor_config.json": content as object }), kind, says),
  );

  test.for(OPTIONS)("options $options", ({ options, kind, says }) => expectNoLoad(small, kind, says, options));

  test.for(SOURCES)("a source that says: $says", ({ source, kind, says }) => expectNoLoad(source(), kind, says));
});
