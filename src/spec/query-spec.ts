/** Learned queries that read the rows of a view, and the steps by which they become rows for the decoder. Types only. */
import type { Activation } from "../shared/activation.ts";
import type { Grid } from "./picture-spec.ts";

/** The tensor "`slot`.queries" [Q, C] holds the queries. Names of other tensors begin with the slot of their step. */
export interface QueriesSpec {
  slot: string;
  /** Q, rows of each view. */
  count: number;
  /** C */
  width: number;
  steps: readonly QueryStep[];
  /**
   * The tokens of the question follow the queries, and are dropped after the last step. "`slot`.words" [V, C] embeds
   * them, "`slot`.places" [maxTokens, C] holds their positions. A longer question loses its first tokens.
   */
  text?: QueryTextSpec;
}

export interface QueryTextSpec {
  vocabularySize: number;
  maxTokens: number;
}

/** One step on all rows z: the queries, and the tokens after them where there are any. */
export type QueryStep = QueryNorm | QueryAttention | QueryMlp;

/** Rows that a step changes; default all. */
interface QueryRows {
  slot: string;
  rows?: "queries" | "text";
}

/** z = LayerNorm(z), by `slot.weight` and `slot.bias`. */
export interface QueryNorm extends QueryRows {
  op: "norm";
  eps: number;
}

/** z = z + out(attention), by `slot.query`, `slot.key`, `slot.value` and `slot.out`, with or without biases. */
export interface QueryAttention extends QueryRows {
  op: "attend";
  heads: number;
  /** D; heads * D need not be C. Default C / heads. */
  headWidth?: number;
  /** Epsilon of LayerNorms "`slot`.queryNorm" and "`slot`.keyNorm" [D] of every head's queries and keys. */
  qkNormEps?: number;
  /** The rows that yield keys and values: the view's features, all rows z, or the queries and then the features. */
  reads: "features" | "rows" | "both";
  /** Epsilon of a LayerNorm "`slot`.norm" of z, that the sum does not see. */
  normEps?: number;
  /** Epsilon of a LayerNorm "`slot`.featureNorm" of the features. */
  featureNormEps?: number;
  positions?: QueryPositions;
  /** The attention replaces z instead of being added to it. */
  replaces?: true;
}

/** Learned positions, which are added to the inputs of queries and keys but not of values. */
export interface QueryPositions {
  /** Whole name of the table of the queries [Q, C]. */
  queries: string;
  /** Whole name of the table of the features: rows before the cells, then those of the grid. */
  features: string;
  /** Grid of that table, where it is resized to the view's, by a cubic filter. */
  grid?: Grid;
}

/**
 * z = z + down(activation(up z)), by `slot.up` and `slot.down`; gated, activation(gate z) * up z by `slot.gateUp`.
 */
export interface QueryMlp extends QueryRows {
  op: "mlp";
  width: number;
  activation: Activation;
  gated?: true;
  /** Epsilon of a LayerNorm "`slot`.norm" of z, that the sum does not see. */
  normEps?: number;
  /** Epsilon of a LayerNorm "`slot`.innerNorm" before the last product. */
  innerNormEps?: number;
}
