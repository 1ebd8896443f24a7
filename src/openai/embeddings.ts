/** OpenAI's embeddings over models that embed texts and pictures. Pictures are Fovea's addition: parts as in messages. */
import type { FoveaModel } from "../api.ts";
import { ApiError, invalid, toApiError } from "./api-error.ts";
import { asFields, asText, field, integer, onlyFields, shorten, wrongType } from "./fields.ts";
import { readStill } from "./messages.ts";
import type { Embedding, EmbeddingRequest, EmbeddingResponse, RequestOptions } from "./types.ts";

/** A model that may embed, in the page or in a worker. */
export type EmbeddingModel = Pick<FoveaModel, "info"> & Partial<Pick<FoveaModel, "encodeText" | "encodeImage">>;

const FIELDS = ["model", "input", "encoding_format", "dimensions", "user"];

/** A text, or the address of a picture. */
type Input = { text: string } | { image: string };

/** Embeds. */
export class Embeddings {
  readonly #find: (id: string) => EmbeddingModel;

  /** @param find throws ApiError for an unknown id */
  constructor(find: (id: string) => EmbeddingModel) {
    this.#find = find;
  }

  /**
   * Embeds one or several texts and pictures: vectors of length 1, in the order of the input.
   *
   * @throws ApiError with the status 400 for a wrong request or an unreadable picture; 403 for a model without such
   * embeddings; 404 for an unknown model; 499 after an abort; 503 without a GPU or its memory; 500 for an internal
   * error
   */
  async create(body: EmbeddingRequest, { signal }: RequestOptions = {}): Promise<EmbeddingResponse> {
    const { model: id, inputs, isBase64, dimensions } = readRequest(body);
    const model = this.#find(id);
    const width = checkModel(model, inputs);
    if (dimensions !== undefined && dimensions !== width) {
      const message = `This model's embeddings have ${width} values; 'dimensions' must be left out or be ${width}`;
      throw invalid("dimensions", message, "invalid_value");
    }
    try {
      const { vectors, tokens } = await embed(model, inputs, signal ? { signal } : {});
      const data = vectors.map(
        (vector, index): Embedding => ({
          object: "embedding",
          index,
          embedding: isBase64 ? base64Of(vector) : Array.from(vector),
        }),
      );
      return { object: "list", data, model: id, usage: { prompt_tokens: tokens, total_tokens: tokens } };
    } catch (error) {
      throw toApiError(error, "input");
    }
  }
}

async function embed(model: EmbeddingModel, inputs: readonly Input[], options: RequestOptions) {
  const vectors: Float32Array[] = [];
  let count = 0;
  const texts = inputs.flatMap((input) => ("text" in input ? [input.text] : []));
  if (texts.length > 0) {
    const { embeddings, tokens } = await model.encodeText!(texts, options);
    const { data, cols } = embeddings;
    let row = 0;
    for (const [i, input] of inputs.entries())
      if ("text" in input) vectors[i] = data.subarray(row * cols, ++row * cols);
    count += tokens.reduce((a, b) => a + b);
  }
  for (const [i, input] of inputs.entries()) {
    if ("text" in input) continue;
    const { embedding, features } = await model.encodeImage!(input.image, options);
    vectors[i] = embedding!;
    count += features.rows;
  }
  return { vectors, tokens: count };
}

/** The width of embeddings. Throws ApiError in OpenAI's words for a model that has none of an input's kind. */
function checkModel(
  { info: { embedding }, encodeText, encodeImage }: EmbeddingModel,
  inputs: readonly Input[],
): number {
  const refused = (message: string) =>
    new ApiError(403, { message, type: "invalid_request_error", param: null, code: null });
  if (!embedding || !encodeText || !encodeImage)
    throw refused("You are not allowed to generate embeddings from this model");
  for (const input of inputs) {
    const kind = "text" in input ? "texts" : "pictures";
    if (!embedding[kind]) throw refused(`You are not allowed to generate embeddings of ${kind} from this model`);
  }
  return embedding.width;
}

function readRequest(body: unknown) {
  const fields = asFields(body, "body");
  onlyFields(fields, FIELDS);
  const model = asText(field(fields, "model"), "model");
  const format = field(fields, "encoding_format") ?? "float";
  if (format !== "float" && format !== "base64")
    throw invalid("encoding_format", "'encoding_format' must be 'float' or 'base64'", "invalid_value");
  const dimensions = integer(fields, "dimensions", 1, 2 ** 20);
  return { model, inputs: readInputs(field(fields, "input")), isBase64: format === "base64", dimensions };
}

function readInputs(value: unknown): Input[] {
  if (typeof value === "string") return [{ text: nonEmpty(value, "input") }];
  if (!Array.isArray(value)) throw wrongType("input", "a string or an array", value);
  if (value.length === 0) throw invalid("input", "'input' must hold at least one text or picture", "empty_array");
  return Array.from(value, (item, i): Input => readInput(item, `input[${i}]`));
}

function readInput(item: unknown, where: string): Input {
  if (typeof item === "string") return { text: nonEmpty(item, where) };
  if (typeof item === "number" || Array.isArray(item))
    throw invalid(where, `'${where}': token ids are not supported; pass the text`, "unsupported_value");
  const part = readStill(asFields(item, where), where, true);
  return part.type === "text" ? { text: nonEmpty(part.text, where) } : { image: part.image as string };
}

/** As OpenAI, which refuses empty texts. */
function nonEmpty(text: string, where: string): string {
  if (text === "") throw invalid(where, `'${shorten(where)}' cannot be an empty string`, "invalid_value");
  return text;
}

/** Little-endian f32. */
function base64Of(vector: Float32Array): string {
  const bytes = new Uint8Array(4 * vector.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of vector.entries()) view.setFloat32(4 * i, value, true);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
