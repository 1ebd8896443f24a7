/** Embeddings in OpenAI's shape, through our own client and the official one, from a model that is made up. */
import OpenAI from "openai";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { EmbeddingInfo, EncodeTextOptions, ImageInput } from "../../src/api.ts";
import { FoveaError } from "../../src/errors.ts";
import { FoveaOpenAI } from "../../src/openai/client.ts";
import { createFetch } from "../../src/openai/fetch.ts";
import type { EmbeddingResponse } from "../../src/openai/types.ts";
import { FakeModel, INFO } from "../support/fake-model.ts";

const EMBEDDING: EmbeddingInfo = { width: 2, pictures: true, texts: true, maxTokens: 77 };
const PICTURE = { type: "image_url" as const, image_url: { url: "data:image/png;base64,AA==" } };

/** Embeds a text as its length, and every picture alike. */
class Embedder extends FakeModel {
  override readonly info;
  readonly seen: unknown[] = [];

  constructor(embedding = EMBEDDING) {
    super();
    this.info = { ...INFO, embedding };
  }

  async encodeText(texts: readonly string[], { signal }: EncodeTextOptions = {}) {
    if (signal?.aborted) throw new FoveaError("aborted", "aborted");
    this.seen.push(texts);
    const data = Float32Array.from(texts.flatMap((text) => [text.length, 0.1]));
    return { embeddings: { data, rows: texts.length, cols: 2 }, tokens: texts.map(() => 3), milliseconds: 1 };
  }

  async encodeImage(image: ImageInput) {
    this.seen.push(image);
    if (image === "data:,") throw new FoveaError("bad-image", "no picture");
    const features = { data: new Float32Array(10), rows: 5, cols: 2 };
    return { features, embedding: Float32Array.of(-1, 0.5), stages: [], views: [], milliseconds: 1 };
  }
}

const embed = (body: object, model = new Embedder()) =>
  new FoveaOpenAI(model).embeddings.create({ model: "fovea", ...body } as never);

test("its types are those of OpenAI", () => {
  expectTypeOf<Omit<EmbeddingResponse, "data">>().toExtend<Omit<OpenAI.CreateEmbeddingResponse, "data">>();
});

test("texts and pictures come back in their order", async () => {
  const model = new Embedder();
  const input = ["abc", PICTURE, { type: "text" as const, text: "a" }];
  const { data, usage } = await embed({ input }, model);
  expect(data.map(({ embedding }) => embedding)).toEqual([
    [3, Math.fround(0.1)],
    [-1, 0.5],
    [1, Math.fround(0.1)],
  ]);
  expect(data.map(({ index, object }) => `${object} ${index}`)).toEqual(["embedding 0", "embedding 1", "embedding 2"]);
  expect(usage).toEqual({ prompt_tokens: 3 + 3 + 5, total_tokens: 11 });
  expect(model.seen).toEqual([["abc", "a"], PICTURE.image_url.url]);
});

test("the official client decodes base64, and takes floats", async () => {
  const client = new OpenAI({ fetch: createFetch(new Embedder()), baseURL: "http://fovea.local/v1", apiKey: "unused" });
  const packed = await client.embeddings.create({ model: "fovea", input: ["four", "x"] });
  expect([...packed.data[0]!.embedding]).toEqual([4, Math.fround(0.1)]);
  const plain = await client.embeddings.create({ model: "fovea", input: "four", encoding_format: "float" });
  expect(plain.data[0]!.embedding).toEqual([4, Math.fround(0.1)]);
  expect(plain.usage.prompt_tokens).toBe(3);
});

describe("refused", () => {
  test.for([
    [{}, 400, "input"],
    [{ input: [] }, 400, "input"],
    [{ input: "" }, 400, "input"],
    [{ input: ["a", ""] }, 400, "input[1]"],
    [{ input: [[1, 2]] }, 400, "input[0]"],
    [{ input: [1, 2] }, 400, "input[0]"],
    [{ input: [{ type: "audio" }] }, 400, "input[0].type"],
    [{ input: "a", encoding_format: "f16" }, 400, "encoding_format"],
    [{ input: "a", dimensions: 3 }, 400, "dimensions"],
    [{ input: "a", temperature: 1 }, 400, "temperature"],
    [{ input: "a", model: "other" }, 404, "model"],
    [{ input: [{ type: "image_url", image_url: { url: "data:," } }] }, 400, "input"],
  ] as const)("%j", async ([body, status, param]) => {
    await expect(embed(body)).rejects.toMatchObject({ status, param, type: "invalid_request_error" });
  });

  test("a model without embeddings, and one without texts", async () => {
    const none = Object.assign(new Embedder(), { info: INFO });
    await expect(embed({ input: "a" }, none)).rejects.toMatchObject({
      status: 403,
      message: "You are not allowed to generate embeddings from this model",
      param: null,
      code: null,
    });
    const pictures = new Embedder({ ...EMBEDDING, texts: false });
    await expect(embed({ input: "a" }, pictures)).rejects.toMatchObject({ status: 403 });
    await expect(embed({ input: [PICTURE] }, pictures)).resolves.toMatchObject({ object: "list" });
  });

  test("an aborted request", async () => {
    const request = new FoveaOpenAI(new Embedder()).embeddings.create(
      { model: "fovea", input: "a" },
      { signal: AbortSignal.abort() },
    );
    await expect(request).rejects.toMatchObject({ status: 499 });
  });
});
