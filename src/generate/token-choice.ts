/** Chooses the next token from a row of logits on the GPU, and reports log-probabilities. */
import type { Gpu } from "../gpu/device.ts";
import type { Pass, Recorder } from "../gpu/pass.ts";
import type { GpuMemory } from "../gpu/planning.ts";
import { Readback } from "../gpu/readback.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { adjustLogits } from "../kernels/adjust-logits.ts";
import { sample } from "../kernels/sample.ts";
import { NO_TOKEN } from "../kernels/token-embed.ts";
import { MAX_TOP_LOGPROBS, topLogprobs } from "../kernels/top-logprobs.ts";
import { ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { type ChosenToken, readChoice } from "./chosen-token.ts";

/** How the next token is chosen; see `GenerateRequest` for the meaning. Temperature 0 is greedy. */
export interface Sampling {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  /** Id -> bias added to its logit. */
  logitBias: ReadonlyMap<number, number>;
  /** Log-probabilities to report besides the chosen token's; undefined reports none. */
  topLogprobs: number | undefined;
  seed: number;
}

export const GREEDY: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: new Map(),
  topLogprobs: undefined,
  seed: 0,
};

/** Buffers of one sequence; the arena that allocated them owns them. */
export interface ChoiceBuffers {
  token: Tensor; // [1] u32
  /** Bits of the ids that may ever be generated. */
  allowed: Tensor; // [ceil(V / 32)] u32
  /** Bits of the ids that a format allows next. */
  mask: Tensor; // [ceil(V / 32)] u32
  /** Bits of the ids in prompt and answer. */
  seen: Tensor; // [ceil(V / 32)] u32
  bias: Tensor; // [V]
  counts: Tensor; // [V] u32
  adjusted: Tensor; // [V]
  topIds: Tensor; // [21] u32
  logprobs: Tensor; // [21]
}

/** @param allowedIds ids that may be generated */
export function choiceBuffers(gpu: GpuMemory, vocabularySize: number, allowedIds: Iterable<number>): ChoiceBuffers {
  const { arena } = gpu;
  const words = ceilDiv(vocabularySize, 32);
  const allowed = arena.tensor("allowed ids", [words], "u32");
  gpu.upload(allowed, bitset(allowedIds, vocabularySize));
  return {
    token: arena.tensor("token", [1], "u32"),
    allowed,
    mask: arena.tensor("mask of a format", [words], "u32"),
    seen: arena.tensor("seen ids", [words], "u32"),
    bias: arena.tensor("logit bias", [vocabularySize]),
    counts: arena.tensor("token counts", [vocabularySize], "u32"),
    adjusted: arena.tensor("adjusted logits", [vocabularySize]),
    topIds: arena.tensor("top ids", [1 + MAX_TOP_LOGPROBS], "u32"),
    logprobs: arena.tensor("top logprobs", [1 + MAX_TOP_LOGPROBS]),
  };
}

/** Records the choice of a token after a row's logits. Buffers belong to the caller. */
export class TokenChoice {
  readonly #gpu: Gpu;
  readonly #buffers: ChoiceBuffers;
  readonly #logits: Tensor;
  #isMasked = false;

  /** @param logits [1, V] */
  constructor(gpu: Gpu, buffers: ChoiceBuffers, logits: Tensor) {
    this.#gpu = gpu;
    this.#buffers = buffers;
    this.#logits = view(logits, [elementCount(logits.shape)]);
  }

  /** The chosen token, [1] u32. */
  get token(): Tensor {
    return this.#buffers.token;
  }

  /** Sets the ids that may be generated. */
  allow(ids: Iterable<number>): void {
    this.#gpu.upload(this.#buffers.allowed, bitset(ids, elementCount(this.#logits.shape)));
  }

  /** Sets the ids under the repetition penalty. */
  see(ids: ArrayLike<number>): void {
    const tokenIds = Array.from(ids).filter((id) => id !== NO_TOKEN);
    this.#gpu.upload(this.#buffers.seen, bitset(tokenIds, elementCount(this.#logits.shape)));
  }

  /**
   * Prepares choices: compiles their pipelines, uploads bias and counts.
   *
   * @param ids tokens generated so far
   */
  async prepare(sampling: Sampling, ids: readonly number[]): Promise<void> {
    this.#isMasked = false;
    await this.#gpu.compile((recorder) => this.record(recorder, sampling, ids.length));
    if (!isAdjusted(sampling)) return;
    const vocabularySize = elementCount(this.#logits.shape);
    const bias = new Float32Array(vocabularySize);
    for (const [id, value] of sampling.logitBias) bias[id] = value;
    // The last token is counted when the next one is chosen.
    const counts = new Uint32Array(vocabularySize);
    for (const id of ids.slice(0, -1)) counts[id]!++;
    this.#gpu.upload(this.#buffers.bias, bias);
    this.#gpu.upload(this.#buffers.counts, counts);
  }

  /** Allows only these ids from now on. @param mask one bit an id, [ceil(V / 32)] */
  restrict(mask: Uint32Array): void {
    this.#gpu.upload(this.#buffers.mask, mask);
    this.#isMasked = true;
  }

  /** @param step number of tokens chosen so far */
  record(recorder: Recorder, sampling: Sampling, step: number): void {
    const { allowed, mask, seen, token, bias, counts, adjusted, topIds: ids, logprobs } = this.#buffers;
    const { topLogprobs: count, ...settings } = sampling;
    const logits = this.#logits;
    const args = { logits, allowed: this.#isMasked ? mask : allowed, seen, token, ...settings, step };
    if (isAdjusted(sampling)) {
      adjustLogits(recorder, { logits, bias, seen, token, counts, adjusted, hasLast: step > 0, ...settings });
      sample(recorder, { ...args, logits: adjusted, repetitionPenalty: 1 });
    } else {
      sample(recorder, args);
    }
    if (count !== undefined) topLogprobs(recorder, { logits, allowed, token, ids, logprobs, count });
  }

  /** Records the copy of the choice. The returned function reads it once the pass is submitted; throws as `chosenToken`. */
  readback(pass: Pass, { topLogprobs: count }: Sampling): () => Promise<ChosenToken> {
    const { token, topIds, logprobs } = this.#buffers;
    const readback = new Readback(this.#gpu, count === undefined ? 4 : 4 + 8 * (1 + MAX_TOP_LOGPROBS));
    for (const tensor of count === undefined ? [token] : [token, topIds, logprobs]) readback.record(pass, tensor);
    return () =>
      readback
        .read()
        .then((bytes) => readChoice(bytes, count))
        .finally(() => readback.dispose());
  }
}

/** True if logits change before the sampler reads them. */
function isAdjusted({ presencePenalty, frequencyPenalty, logitBias }: Sampling): boolean {
  return presencePenalty !== 0 || frequencyPenalty !== 0 || logitBias.size > 0;
}

/** A set of ids as the sampler's bits. */
function bitset(ids: Iterable<number>, size: number): Uint32Array {
  const words = new Uint32Array(ceilDiv(size, 32));
  for (const id of ids) words[id >>> 5]! |= 1 << (id & 31);
  return words;
}
