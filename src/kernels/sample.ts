/** Chooses the next token from its logits on the GPU, so that no logits are read back. */
import floatKeyLib from "../../shaders/lib/float-key.wgsl?raw";
import radixSelectLib from "../../shaders/lib/radix-select.wgsl?raw";
import randomLib from "../../shaders/lib/random.wgsl?raw";
import sampleCandidatesLib from "../../shaders/lib/sample-candidates.wgsl?raw";
import sampleSelectLib from "../../shaders/lib/sample-select.wgsl?raw";
import wideLib from "../../shaders/lib/wide.wgsl?raw";
import shader from "../../shaders/sample.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv, checkInteger, checkNumber } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape } from "./common.ts";

const kernel = new Kernel({
  name: "sample",
  shader,
  bindings: { logits: "read", allowed: "read", seen: "write", token: "write" },
  params: {
    vocabulary: "u32",
    topK: "u32",
    seed: "u32",
    step: "u32",
    temperature: "f32",
    topP: "f32",
    repetitionPenalty: "f32",
    minGap: "f32",
  },
});

/** Stands for an id where a logit is NaN or infinite. */
export const NOT_FINITE = 0xfffffffe;

const ON_GPU = { THREADS: 256, LIST: 1024, DIGIT_BITS: 8 };

/**
 * On software adapters the barriers of one quad are free, and workgroup memory costs most: SwiftShader compiles the
 * zeroing of each word as separate code, 2500 words a second on one core (measured under load).
 */
const ON_CPU = { THREADS: 4, LIST: 128, DIGIT_BITS: 4 };

/** Below this f32 logits are further apart than the temperature: the largest is chosen. */
const GREEDY_BELOW = 1e-6;

/** Above the difference of any two logits that the shader has clamped. */
const KEEP_ALL = 1e37;

export interface SampleArgs {
  logits: Tensor; // [V]
  /** Bit id % 32 of word id / 32 set: the token may be chosen. */
  allowed: Tensor; // [ceil(V / 32)] u32
  /** The same for the ids under the repetition penalty, those of the prompt and the answer; the chosen id is added. */
  seen: Tensor; // [ceil(V / 32)] u32
  /** The chosen id; NO_TOKEN (token-embed.ts) if none is allowed, NOT_FINITE if one has a logit that is not finite. */
  token: Tensor; // [1] u32
  /** 0 chooses the largest logit, the lowest id of equal ones; the penalty counts there too. */
  temperature: number;
  /** Keeps the k largest logits and those equal to the last of them; 0 keeps all. */
  topK: number;
  /** Keeps the fewest of the most likely tokens whose probability reaches this, lower ids first; 1 keeps all, 0 one. */
  topP: number;
  /** Keeps tokens whose probability is at least this share of the largest; 0 keeps all, 1 the largest and its equals. */
  minP: number;
  /** Divides positive and multiplies negative logits of tokens in `seen` (Keskar et al. 2019); 1 changes none. */
  repetitionPenalty: number;
  /** 32-bit integer. Equal seeds and steps draw the same token, on all adapters except for ties in f32. */
  seed: number;
  /** Number of the draw under this seed. */
  step: number;
}

/**
 * Chooses one token in the order of Hugging Face's `generate`: penalty, temperature, top-k, top-p, min-p, draw. All
 * settings are parameters of one pipeline, so changing them compiles nothing. Throws RangeError for settings out of
 * range.
 */
export function sample(recorder: Recorder, args: SampleArgs): void {
  const { logits, allowed, seen, token, temperature, topK, topP, minP, repetitionPenalty, seed, step } = args;
  const vocabulary = elementCount(logits.shape);
  checkShape("sample logits", logits, [vocabulary]);
  checkShape("sample allowed", allowed, [ceilDiv(vocabulary, 32)]);
  checkShape("sample seen", seen, [ceilDiv(vocabulary, 32)]);
  checkShape("sample token", token, [1]);
  const params = {
    vocabulary,
    topK: Math.min(checkInteger("topK", topK, 0), vocabulary),
    seed: checkInteger("seed", seed, 0, 0xffffffff),
    step: checkInteger("step", step, 0, 0xffffffff),
    temperature: checkNumber("temperature", temperature, 0, 1e6) < GREEDY_BELOW ? 0 : temperature,
    topP: checkNumber("topP", topP, 0, 1),
    repetitionPenalty: checkNumber("repetitionPenalty", repetitionPenalty, 0.01, 100),
    minGap: minGap(checkNumber("minP", minP, 0, 1), temperature),
  };
  const libs = {
    key: "",
    texts: [floatKeyLib, wideLib, radixSelectLib, randomLib, sampleCandidatesLib, sampleSelectLib],
  };
  const variant = kernel.variant({ libs, constants: recorder.capabilities.software ? ON_CPU : ON_GPU });
  recorder.dispatch(variant, { logits, allowed, seen, token }, params, [1]);
}

/** Below the largest logit by more than this, a token has less than `minP` of the largest probability. */
function minGap(minP: number, temperature: number): number {
  return minP === 0 ? KEEP_ALL : Math.min(-Math.log(minP) * temperature, KEEP_ALL);
}
