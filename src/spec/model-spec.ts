/**
 * A model as a value: everything that the engine must know about a checkpoint of any family. A family (families/)
 * builds this value from a checkpoint's small files; the other rooms read it and never ask for the family. Types only.
 */
import type { Activation } from "../shared/activation.ts";
import type { BesideSpec, CrossSpec } from "./cross-spec.ts";
import type { Grid, PictureSpec } from "./picture-spec.ts";
import type { PromptFormat, QueryFormat, TranscriptFormat } from "./prompt-spec.ts";
import type { QueriesSpec } from "./query-spec.ts";
import type { RopeSpec } from "./rope-spec.ts";
import type { TensorSpec } from "./tensor-spec.ts";

/** A whole checkpoint. A text model has a decoder; a classifier an encoder and classes; a vision-language model all. */
export interface ModelSpec {
  /** Name of the family, for `info` and messages only. */
  family: string;
  /** How a picture becomes views, and its rows in a prompt; with an encoder only. */
  pictures?: PictureSpec;
  encoder?: EncoderSpec;
  /**
   * Steps from the encoder's cells to rows of the decoder's width; empty for a classifier, a text model, and where the
   * features are such rows.
   */
  connector: readonly ConnectorStep[];
  /**
   * The steps from each of the encoder's taps to rows of the decoder's width. The rows of tap i are added to those of
   * the picture after decoder layer i (DeepStack, arXiv 2406.04334).
   */
  tapConnectors?: readonly (readonly ConnectorStep[])[];
  decoder?: DecoderSpec;
  /** Label of each class of a classifier. */
  classes?: readonly string[];
  /** How the encoder's rows become the one embedding of a picture. */
  pooling?: PoolingSpec;
  /** Embeds texts. */
  textEncoder?: TextEncoderSpec;
  /** How embeddings of pictures and texts are compared; with `pooling` and `textEncoder` only. */
  comparison?: ComparisonSpec;
  /**
   * Id of the placeholder that each row of a picture replaces; may be at or above the vocabulary size, and is never embedded.
   * Where rows stand beside the prompt it is a token of the vocabulary, which is embedded and marks where a picture begins.
   */
  imageTokenId?: number;
  /**
   * The id that the published code uses instead, as u32, where it marks pictures by a negative id. Inspections use it.
   */
  publishedImageId?: number;
  /** Every tensor that the engine needs, in order of execution. */
  tensors: readonly TensorSpec[];
  /** True for a tensor that a file may hold although the engine does not need it. */
  ignores(name: string): boolean;
  /** Tokens that end an answer, besides those in the files. */
  endTokens?: readonly string[];
  /** The prompt format for a checkpoint without a chat template. */
  fallbackPrompt?: PromptFormat | QueryFormat | TranscriptFormat;
  /** The published code puts the begin token before every prompt, even if the template has written it. */
  repeatsBos?: true;
  /** Control tokens that no file lists. User text never becomes one. */
  controlTokens?: readonly string[];
}

/** The blocks of an encoder of pictures or texts. Every block: norm, attention, residual, norm, MLP, residual. */
export interface BlocksSpec {
  /** C */
  width: number;
  /** H heads of C / H each. */
  heads: number;
  /** Blocks in the file. */
  blocks: number;
  /** With a gate activation(gate) * up, where the first matrix yields gate and then up; without one activation(up). */
  mlp: { width: number; activation: Activation; gated?: true };
  /** Epsilon of every norm. */
  eps: number;
  /** The norms of blocks are RMSNorms; LayerNorms by default. */
  rmsNorms?: true;
  /** The output of each half of a block is multiplied by a learned factor a channel. */
  layerScale?: true;
  /** RMSNorms of queries and of keys, all heads at once. */
  qkNorm?: true;
  qkvBias: boolean;
  /** The other products of a block have biases; default true. */
  linearBias?: boolean;
}

/** A vision transformer. Without any block, `blocks` 0, its features are the embeddings of the patches. */
export interface EncoderSpec extends BlocksSpec {
  /** Blocks that run, from the first; the features are the output of the last of them. */
  runBlocks: number;
  /** A norm between embeddings and blocks, of the blocks' kind. */
  preNorm: boolean;
  /** A norm after the last block. */
  postNorm: boolean;
  /** Its epsilon; default that of the blocks. */
  postNormEps?: number;
  /**
   * Weights are a convolution's [C, 3, P, P]; with `channelsLast` a linear layer's [C, P * P * 3], the channels of a
   * pixel together. With `frames` a picture counts as this many equal frames of a video, and weights are [C, 3, F, P,
   * P].
   */
  patch: { side: number; bias: boolean; channelsLast?: true; frames?: number };
  /**
   * Learned positions: one row for each patch of `grid`, after one for the class token if there is one. With a `table`
   * the rows are those of the table's grid, and are resized to the grid of each view. The filter is bilinear and
   * antialiased where a side shrinks. With `corners` it spans the centres of the corner patches, with `cubic` it is
   * cubic; both are never antialiased. `table: null` is an encoder without learned positions. With any `table`, `grid`
   * is a usual view's.
   */
  positions: { grid: Grid; table?: Grid | null; corners?: true; cubic?: true };
  /**
   * Rotary positions of queries and keys: channels i and i + D / 2 of a head turn by frequencies[i], in radians a
   * patch. The first half of the pairs turns by the patch's row, the others by its column.
   */
  rope?: { frequencies: readonly number[] }; // [D / 2]
  /**
   * Blocks attend inside windows of `side` x `side` cells. Windows start at the top left corner of a view and are
   * partial at its far edges. Blocks listed in `whole` attend to the whole view. No cells can be merged inside such an
   * encoder.
   */
  windows?: { side: number; whole: readonly number[] };
  /** Blocks whose output is a result of the encoder besides the last one's, ascending. */
  taps?: readonly number[];
  /** Row 0 of a view is a class token. */
  classToken: boolean;
  /** Features keep the class token. */
  keepClassToken: boolean;
  /** r: the connector turns r x r neighbouring patches into one row. */
  cell: number;
  /**
   * Instead of squares, the connector turns this many consecutive patches, in raster order, into one row; `cell` is 1
   * then.
   */
  strip?: number;
}

/**
 * The embedding of a view, by tensors "pool.*". "class": LayerNorm of the class token's row. "probe": a learned query
 * attends to all rows with the encoder's heads. Then come a LayerNorm, the encoder's kind of MLP, and a residual around
 * both.
 */
export interface PoolingSpec {
  kind: "class" | "probe";
  /** A linear layer without bias comes last. */
  projects?: true;
  /** E, width of the embedding. */
  width: number;
}

/** A transformer over texts, by tensors "text.*": tokens and learned positions, blocks, LayerNorm, one row, linear layer. */
export interface TextEncoderSpec extends BlocksSpec {
  vocabularySize: number;
  /** Number of learned positions. A longer text is truncated, and still ends with the tokens that end every text. */
  maxTokens: number;
  /** A row sees the rows up to itself; without, all rows of its text. */
  causal?: true;
  /** Every text is padded to `maxTokens`, and its rows see the padding. */
  padded?: true;
  /** Padding id for a tokenizer without one. */
  padId?: number;
  /** Texts are lower-cased before they are tokenized, unless tokenizer_config.json says no. */
  lowercase?: true;
  /** The row that is read: the last, the first one of this id (else the first), or the first one of the largest id. */
  pooled: "last" | "largest-id" | { id: number };
  /** The linear layer after the norm. */
  projection?: { width: number; bias: boolean };
}

/** logit = exp(scale) * cosine + bias, by the tensors "compare.scale" and "compare.bias" [1]. */
export interface ComparisonSpec {
  bias: boolean;
  /** Probabilities from one picture's logits: softmax over all texts, or the sigmoid of each. */
  probabilities: "softmax" | "sigmoid";
}

/**
 * One step of the connector, on rows [cells, width]. "fold" puts the channels of a cell's seats side by side, `factor`
 * x `factor` of a square row by row, or `strip` of a strip; "pool" takes the mean of the seats; "norm" is a LayerNorm
 * by the tensors `slot.weight` and `slot.bias`, or an RMSNorm by `slot.weight` where there is no `slot.bias`; "linear"
 * multiplies by the tensors `slot.weight` and `slot.bias`, if there is one, and applies the activation; "queries"
 * replaces the rows of each view by learned queries that read them. After it, "append" puts learned rows [rows, width]
 * of the tensor `slot` after those of each view.
 */
export type ConnectorStep =
  | { op: "fold"; factor: number; strip?: undefined }
  | { op: "fold"; strip: number }
  | { op: "pool"; factor: number }
  | { op: "norm"; slot: string; eps: number }
  | { op: "linear"; slot: string; width: number; activation: Activation }
  | { op: "queries"; queries: QueriesSpec }
  | { op: "append"; slot: string; rows: number };

export interface DecoderSpec {
  /** W */
  width: number;
  /** In order of execution. */
  layers: readonly LayerSpec[];
  /** Epsilon of every norm. */
  eps: number;
  /** Norms are LayerNorms with bias; RMSNorms by default. Norms of queries and keys are `AttentionSpec.qkLayerNorms`'s. */
  layerNorms?: true;
  rope: RopeSpec;
  /** Factor on embeddings of tokens; default 1. */
  embedFactor?: number;
  /** Factor on logits; default 1. */
  logitFactor?: number;
  /** Soft cap on logits after the factor, cap * tanh(logit / cap); none by default. */
  logitCap?: number;
  /** The head has a bias. */
  headBias?: true;
  /**
   * The rows that a prompt's rows see besides the rows up to themselves; none by default. "pictures": rows of a
   * picture's run see all of that run, and a layer's window cuts only the past. "prompt": all rows see the whole
   * prompt, in layers with a window too. Generated rows see the rows up to themselves.
   */
  sees?: "pictures" | "prompt";
  /**
   * A learned vector is added to every row, of tokens and pictures: row position + `first` of the tensor
   * "decoder.positions" [maxPositions + first, W].
   */
  learnedPositions?: { first: number };
  /**
   * Rows of pictures have their own norms and products of keys and values in each layer: tensors "norm1.pictures",
   * "norm2.pictures" and "keyValue.pictures" [2 Hk D, W]. Generated rows are text.
   */
  pictureWeights?: true;
  /** Rows of pictures stand beside the prompt, for layers of the kind "cross". */
  beside?: BesideSpec;
  /** Position of a sequence's first row; default 0. */
  firstPosition?: number;
  /** Rows of the embedding table; may exceed the tokenizer's vocabulary. */
  vocabularySize: number;
  /** The most tokens of a context. */
  maxPositions: number;
  bosId?: number;
  /** Ids that end an answer, from config.json; generation_config.json may add some. */
  eosIds: readonly number[];
}

/** A decoder layer: norm, attention or its replacement, residual, norm, MLP, residual. */
export type LayerSpec = LayerParts &
  (
    | { kind: "attention"; attention: AttentionSpec; convolution?: undefined; delta?: undefined; cross?: undefined }
    | {
        kind: "convolution";
        convolution: { taps: number };
        attention?: undefined;
        delta?: undefined;
        cross?: undefined;
      }
    | { kind: "delta"; delta: DeltaSpec; attention?: undefined; convolution?: undefined; cross?: undefined }
    | { kind: "cross"; cross: CrossSpec; attention?: undefined; convolution?: undefined; delta?: undefined }
  );

/**
 * A gated delta rule (Gated DeltaNet, arXiv 2412.06464). Queries, keys and values pass a short causal convolution with
 * SiLU. Each value head keeps a state of fixed size. Its output has an RMSNorm a head, times silu of a gate.
 */
export interface DeltaSpec {
  /** Hk; each serves valueHeads / keyHeads neighbouring value heads, or where `tiled` every keyHeads-th one. */
  keyHeads: number;
  tiled?: boolean;
  /** Hv */
  valueHeads: number;
  /** Width of queries and keys. */
  keyWidth: number;
  valueWidth: number;
  /** Rows that the convolution reads, the row itself included. */
  taps: number;
}

interface LayerParts {
  mlp: DecoderMlp;
  /**
   * The places of norms: before each half (the default), after it, or both. "shared": one norm before both halves,
   * which run in parallel on the same rows.
   */
  norms?: "after" | "both" | "shared";
  /** Factor on the output of each half; default 1. */
  residualFactor?: number;
  /**
   * Each half's addend is multiplied by the tanh of learned numbers, the layer's tensors "gate1" and "gate2": [1] for
   * one number or [W] for one a channel.
   */
  gates?: "one" | "channels";
}

/** Gate and up, activation(gate) * up, down; or without a gate up, activation, down. */
export interface DecoderMlp {
  /** F */
  width: number;
  /** Default "silu". */
  activation?: Activation;
  gated?: false;
  bias?: true;
}

export interface AttentionSpec {
  heads: number;
  /** Each serves heads / keyHeads query heads. */
  keyHeads: number;
  /** D; heads * D need not be the decoder's width. */
  headWidth: number;
  qkvBias: boolean;
  outBias?: true;
  /** Factor on q k^T; default D^-0.5. */
  scale?: number;
  /** Soft cap on the scaled logits, cap * tanh(logit / cap); none by default. */
  cap?: number;
  /** Norms of queries and keys before RoPE: of every head, or of all heads at once. */
  qkNorm?: "heads" | "all";
  /** These are LayerNorms with bias; RMSNorms by default. */
  qkLayerNorms?: true;
  /**
   * The product of queries also yields a gate of the same width after each query; its sigmoid multiplies the head's
   * output.
   */
  outputGate?: true;
  /** The most keys that a row sees, including itself; all by default. */
  window?: number;
  /** RoPE of this layer, on one axis and without `beyond`; null turns nothing. Default the decoder's. */
  rope?: RopeSpec | null;
}
