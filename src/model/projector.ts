/** LLaVA's projector: image features into the decoder's embedding space by linear, activation, linear. */
import type { Arena } from "../gpu/arena.ts";
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { linear } from "../kernels/linear.ts";
import type { ProjectorConfig } from "./config.ts";
import type { Weights } from "./load.ts";

export class Projector {
  readonly #config: ProjectorConfig;
  readonly #weights: Weights;
  readonly #middle: Tensor; // [n, W]

  /** Takes its buffer from `arena`, which owns it; `maxTokens` image tokens at most at once. */
  constructor(arena: Arena, weights: Weights, config: ProjectorConfig, maxTokens: number) {
    this.#config = config;
    this.#weights = weights;
    this.#middle = arena.tensor("projector middle", [maxTokens, config.width]);
  }

  /** @param features [n, C] @param projected [n, W], the caller's */
  project(recorder: Recorder, features: Tensor, projected: Tensor): void {
    const { width, activation } = this.#config;
    const weights = this.#weights;
    const y = view(this.#middle, [features.shape[0]!, width]);
    const layer = (name: string) => ({ weight: weights.matrix(`${name}.weight`), bias: weights.find(`${name}.bias`) });
    linear(recorder, { x: features, ...layer("projector.1"), y, activation });
    linear(recorder, { x: y, ...layer("projector.2"), y: projected });
  }
}
