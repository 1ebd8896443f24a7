/** Rows of pictures beside a prompt, and the decoder's layers that read them. Types only. */

/** The rows as they come from the connector. */
export interface BesideSpec {
  /** C, width of the rows. */
  width: number;
  /** A row sees the picture of the last placeholder up to itself; rows after this id see none until the next placeholder. */
  endId?: number;
}

/**
 * Attention of the prompt's rows to the rows of the picture that they see, without biases and positions. Tensors of the
 * layer: "query", "key", "value" and "out". A row that sees no picture attends to nothing, and gets 0.
 */
export interface CrossSpec {
  heads: number;
  /** D */
  headWidth: number;
  /** RMSNorms of every head's queries and keys: tensors "qNorm" and "kNorm" [D]. */
  qkNorm?: true;
}
