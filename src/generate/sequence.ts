/**
 * One running sequence: the prompt's rows run through the decoder in chunks. Then tokens follow one by one, each chosen
 * on the GPU and fed back there. step-loop.ts decides when to stop.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Pass, Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { copyRows } from "../kernels/copy-rows.ts";
import { placesBefore } from "../model/decoder/beside-rows.ts";
import type { Decoder, ForwardArgs } from "../model/decoder/decoder.ts";
import type { KvCache } from "../model/decoder/kv-cache.ts";
import type { LayerAttention } from "../model/decoder/layer-attention.ts";
import { type PromptRows, positionsOf } from "../model/decoder/prompt-rows.ts";
import { causalRanges, chunkEnds, windowRanges } from "../model/decoder/visible.ts";
import { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { assert } from "../shared/assert.ts";
import type { ChosenToken } from "./chosen-token.ts";
import { recordRun, recordTaps, runsInChunk } from "./picture-runs.ts";
import type { SequenceBuffers } from "./sequence-buffers.ts";
import { GREEDY, type Sampling, TokenChoice } from "./token-choice.ts";

/** Tokens that are replayed before each wait for the GPU, so that an abort does not wait for a long queue. */
const REPLAYED_AT_ONCE = 16;

/** A sequence in a KV cache. Cache and buffers belong to the caller. */
export class Sequence {
  readonly #gpu: Gpu;
  readonly #decoder: Decoder;
  readonly #cache: KvCache;
  readonly #buffers: SequenceBuffers;
  readonly choice: TokenChoice;
  #attention: LayerAttention | undefined;
  #nextPosition = 0;
  /** Rows beside the prompt that generated rows see: those that its last row sees. */
  #besideRange = new Uint32Array(2);
  #step = 0;
  /** True if the row of the last chosen token has run. */
  #isAhead = false;

  /** @param buffers of `sequenceBuffers`; the caller keeps them */
  constructor(gpu: Gpu, decoder: Decoder, cache: KvCache, buffers: SequenceBuffers) {
    this.#gpu = gpu;
    this.#decoder = decoder;
    this.#cache = cache;
    this.#buffers = buffers;
    this.choice = new TokenChoice(gpu, buffers.choice, buffers.logits);
  }

  /** Logits of the row that the next token is chosen from, [1, V]. */
  get logits(): Tensor {
    return this.#buffers.logits;
  }

  /** Rows in the cache. */
  get length(): number {
    return this.#cache.length;
  }

  /** The number of the first `rows` rows that `prefill` can keep: all of them, unless layers keep fewer. */
  reusable(rows: number): number {
    return this.#cache.reusable(rows);
  }

  /** True if the last token has been run already, by `runAhead`. */
  get isAhead(): boolean {
    return this.#isAhead;
  }

  /** Rows that the cache still has room for, and the model positions. */
  get room(): number {
    return Math.min(this.#cache.capacity - this.#cache.length, this.#decoder.positions - this.#nextPosition);
  }

  /** True if the next row would change the RoPE frequencies of all rows: run the prompt and the tokens so far again. */
  get isOutgrown(): boolean {
    return this.#decoder.rope.isOutgrownBy(this.#nextPosition + 1);
  }

  /** Throws FoveaError `context-full` for a prompt of more rows than the cache has, or of more rows of pictures beside it. */
  assertFits({ ids: { length: promptRows }, beside }: Pick<PromptRows, "ids" | "beside">): void {
    const besideRows = beside ? placesBefore(beside, promptRows) : 0;
    if (besideRows > this.#cache.besideCapacity)
      throw new FoveaError(
        "context-full",
        `the pictures have ${besideRows} rows beside the prompt, there is room for ${this.#cache.besideCapacity}: send fewer pictures, compress them, or load with a larger maxContext`,
        { overflow: { promptTokens: besideRows, contextLength: this.#cache.besideCapacity } },
      );
    if (promptRows > this.#cache.capacity)
      throw new FoveaError(
        "context-full",
        `the prompt has ${promptRows} tokens, the context holds ${this.#cache.capacity}: shorten the conversation, use fewer image tokens, or load with a larger maxContext`,
        { overflow: { promptTokens: promptRows, contextLength: this.#cache.capacity } },
      );
  }

  /**
   * Runs a prompt. Waits for the GPU after each chunk, so that an abort does not wait for a long queue.
   *
   * @param keep rows of this prompt that the cache has already, fewer than all. None of them sees a later row, and they
   *   ran with the prompt's `RopeTable.turningLength`
   * @param saveAt numbers of rows after which later prompts may continue, for a cache with saved points
   * @param generated tokens after the prompt that `replay` will add
   * @param inhibition of the prompt's images, with room for the new tokens; the caller disposes it after the last step.
   *   Without it attention is plain
   * @param onChunk may record more work on the chunk's hidden states [rows, W] of prompt rows `first`..
   * @throws FoveaError `aborted`: the cache then has the rows that ran; `context-full` or a GPU error: the cache is
   *   then empty
   */
  async prefill(
    prompt: PromptRows,
    {
      signal,
      keep = 0,
      saveAt = [],
      generated = 0,
      inhibition,
      onChunk,
    }: {
      signal?: AbortSignal | undefined;
      keep?: number;
      saveAt?: readonly number[];
      generated?: number;
      inhibition?: LayerAttention | undefined;
      onChunk?: (pass: Pass, hidden: Tensor, first: number) => void;
    } = {},
  ): Promise<void> {
    const total = prompt.ids.length;
    this.#attention = inhibition;
    assert(keep < total, `${keep} rows kept of a prompt of ${total}`);
    this.#cache.truncate(keep);
    this.assertFits(prompt);
    const { beside } = prompt;
    if (beside) this.#cache.beside = placesBefore(beside, keep);
    if (prompt.nextPosition > this.#decoder.positions)
      throw new FoveaError(
        "context-full",
        `the prompt needs ${prompt.nextPosition} positions, with original ones for image tokens; this model was loaded with ${this.#decoder.positions}: use contiguous positions or a larger maxContext`,
      );
    this.choice.see(prompt.ids);
    this.#decoder.rope.fit(prompt.nextPosition, generated);
    try {
      let first = keep;
      const cuts = this.#cache.hasSavedPoints ? saveAt : [];
      this.#cache.savePoint();
      for (const end of chunkEnds(prompt.visible, { first, maxRows: this.#decoder.chunkRows, cuts })) {
        throwIfAborted(signal, "prefill");
        const rows = end - first;
        this.#gpu.upload(this.#buffers.ids, prompt.ids.subarray(first, end));
        this.#gpu.upload(this.#buffers.positions, positionsOf(prompt, first, end));
        this.#uploadRanges(prompt.visible.subarray(2 * first, 2 * end), first, prompt.unwindowed);
        if (beside) {
          this.#gpu.upload(this.#buffers.besideVisible!, beside.visible.subarray(2 * first, 2 * end));
          this.#cache.beside = placesBefore(beside, end);
        }
        this.#gpu.submit("prefill", (pass) => {
          this.#recordChunk(pass, prompt, first, rows);
          onChunk?.(pass, this.#decoder.hidden(rows), first);
          if (end === total) this.#recordLogits(pass, rows);
        });
        this.#cache.advance(rows);
        if (cuts.includes(end)) this.#cache.savePoint();
        first = end;
        await this.#gpu.idle();
      }
      throwIfAborted(signal, "prefill");
    } catch (error) {
      if (!(error instanceof FoveaError && error.code === "aborted")) this.#cache.truncate(0);
      throw error;
    }
    this.#nextPosition = prompt.nextPosition;
    if (beside) this.#besideRange = beside.visible.slice(-2);
    this.#step = 0;
    this.#isAhead = false;
  }

  /**
   * Chooses the next token and submits the work for the one after it, in one pass and one submit. May be called again
   * before the promise settles: the token is fed back on the GPU.
   *
   * The first call after `prefill` only chooses; each later one first runs the previously chosen token.
   *
   * @throws FoveaError `bad-weights` for logits that are not finite, `unsupported-model` where no token may be generated
   */
  step(sampling: Sampling): Promise<ChosenToken> {
    const runs = this.#step > 0 && !this.#isAhead;
    if (runs) this.#beginRow();
    let read!: () => Promise<ChosenToken>;
    this.#gpu.submit("decode", (pass) => {
      if (runs) this.#recordStep(pass);
      this.choice.record(pass, sampling, this.#step);
      read = this.choice.readback(pass, sampling);
    });
    if (runs) this.#cache.advance(1);
    this.#step++;
    this.#isAhead = false;
    return read();
  }

  /** Submits the run of the last token before the CPU knows it; the next `step` then only chooses. */
  runAhead(): void {
    if (this.#step === 0 || this.#isAhead) return;
    this.#beginRow();
    this.#gpu.submit("decode", (pass) => this.#recordStep(pass));
    this.#cache.advance(1);
    this.#isAhead = true;
  }

  /**
   * Appends an answer's tokens to its prompt, which has just run, so that `step` continues after them. They run one by
   * one, as they did when they were chosen. One pass over all of them would be faster, but its kernels round
   * differently, and the answer might continue in other words.
   *
   * @throws as `prefill`; call `prefill` again after that
   */
  async replay(prompt: PromptRows, ids: readonly number[], signal?: AbortSignal): Promise<void> {
    const last = ids.at(-1);
    if (last === undefined) return;
    for (const [i, id] of ids.slice(0, -1).entries()) {
      this.#gpu.upload(this.choice.token, Uint32Array.of(id));
      this.#uploadRow();
      this.#gpu.submit("replay", (pass) => this.#recordRow(pass));
      this.#cache.advance(1);
      if ((i + 1) % REPLAYED_AT_ONCE !== 0) continue;
      await this.#gpu.idle();
      throwIfAborted(signal, "the return to an answer");
    }
    await this.#gpu.idle();
    this.#gpu.upload(this.choice.token, Uint32Array.of(last));
    this.choice.see([...prompt.ids, ...ids]);
    this.#step = ids.length;
  }

  /**
   * Drops rows from `length` on, such as those of tokens that ran ahead of a stop; more rows if layers cannot keep them
   * all.
   */
  truncate(length: number): void {
    this.#cache.truncate(this.#cache.reusable(length));
  }

  /**
   * Records all work of a prompt and a step, to compile it ahead.
   *
   * @param seesPictures true if attention can inhibit image tokens. Otherwise a third of the pipelines is never used: 7
   * of 21 for a Llama, and nearly half of the time to compile them.
   * @param besideRows of a picture beside the prompt, for a decoder that reads pictures there
   */
  rehearse(recorder: Recorder, seesPictures = true, besideRows = 0): void {
    const { beside } = this.#decoder;
    // Rows see pictures in the cache, or none.
    this.#cache.beside = beside ? this.#cache.besideCapacity : 0;
    beside?.rehearse(recorder, besideRows, this.#cache.layers);
    // Sampling first: it takes longest to compile on a software adapter, and last it would compile alone.
    this.choice.record(recorder, GREEDY, 0);
    const inhibition = seesPictures ? Inhibitor.forRehearsal(this.#gpu, this.#decoder) : undefined;
    // Chunks of one row use the kernels of decoding.
    for (const rows of new Set([1, Math.min(2, this.#decoder.chunkRows), this.#decoder.chunkRows])) {
      this.#recordChunk(recorder, { pictures: [] }, 0, rows);
      this.#recordLogits(recorder, rows);
      if (rows <= 2 && rows < this.#cache.capacity) this.#forward(recorder, rows, 1, inhibition);
    }
    this.#cache.beside = 0;
    inhibition?.dispose();
    // Over many keys one row uses other kernels than over few.
    this.#forward(recorder, 1, this.#cache.capacity - 1, undefined);
  }

  #recordChunk(
    recorder: Recorder,
    { pictures, beside }: Pick<PromptRows, "pictures" | "beside">,
    first: number,
    rows: number,
  ): void {
    for (const run of beside?.runs ?? [])
      if (run.row >= first && run.row < first + rows) this.#decoder.beside?.record(recorder, run, this.#cache.layers);
    this.#decoder.embed(recorder, view(this.#buffers.ids, [rows]));
    const hidden = this.#decoder.hidden(rows);
    const runs = pictures.flat();
    const chunk = { hidden, positions: this.#buffers.positions, first };
    for (const run of runs) recordRun(recorder, run, chunk);
    const pictureRuns = this.#decoder.spec.pictureWeights && runsInChunk(runs, first, rows);
    const afterLayer = (layer: number) => recordTaps(recorder, runs, layer, chunk);
    this.#forward(recorder, rows, first, this.#attention, { pictureRuns, afterLayer });
  }

  /** Runs the layers on `rows` rows with uploaded positions and ranges, as rows `start`.. of the cache. */
  #forward(
    recorder: Recorder,
    rows: number,
    start: number,
    attention: LayerAttention | undefined,
    others: Pick<ForwardArgs, "pictureRuns" | "afterLayer"> = {},
  ): void {
    const positions = view(this.#buffers.positions, [this.#decoder.axes, rows]);
    const visible = this.#buffers.visible.map((ranges) => view(ranges, [rows, 2]));
    const seen = this.#buffers.besideVisible;
    const beside = seen && { visible: view(seen, [rows, 2]), rows: this.#cache.beside };
    this.#decoder.forward(recorder, { positions, visible, cache: this.#cache, start, attention, beside, ...others });
  }

  #beginRow(): void {
    assert(this.room > 0 && !this.isOutgrown, "a step without room in the cache, or in an outgrown one");
    this.#uploadRow();
  }

  /** Uploads position and range of a generated token, which becomes the next row of the cache and sees all of it. */
  #uploadRow(): void {
    this.#gpu.upload(this.#buffers.positions, new Uint32Array(this.#decoder.axes).fill(this.#nextPosition++));
    this.#uploadRanges(causalRanges(1, this.#cache.length), this.#cache.length);
    if (this.#buffers.besideVisible) this.#gpu.upload(this.#buffers.besideVisible, this.#besideRange);
  }

  /** Uploads the ranges of a chunk, narrowed to each window. @param start row of the cache that its first row is */
  #uploadRanges(visible: Uint32Array, start: number, unwindowed = 0): void {
    for (const [i, window] of this.#decoder.windows.entries())
      this.#gpu.upload(this.#buffers.visible[i]!, windowRanges(visible, window, { start, unwindowed }));
  }

  /** Adds the row of the last token. */
  #recordRow(recorder: Recorder): void {
    this.#decoder.embed(recorder, this.choice.token);
    this.#forward(recorder, 1, this.#cache.length, this.#attention);
  }

  #recordStep(recorder: Recorder): void {
    this.#recordRow(recorder);
    this.#recordLogits(recorder, 1);
  }

  #recordLogits(recorder: Recorder, rows: number): void {
    copyRows(recorder, {
      x: this.#decoder.hidden(rows),
      y: this.#buffers.lastHidden,
      xRow: rows - 1,
      yRow: 0,
      rows: 1,
    });
    this.#decoder.logits(recorder, this.#buffers.lastHidden, this.logits);
  }
}
