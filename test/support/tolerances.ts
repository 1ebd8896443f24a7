/** Every tolerance of the tests, each with its measured reason. */

/** Logits of packed models, whose integers and scales are those of the file: f32 noise, and f16 scales that round nothing. */
export const NMSE_PACKED_MODEL = 1e-8;

/** Sums and products of f32 against f64 of the same inputs: seen up to 3e-13 for matrix products of width 4096. */
export const NMSE_PRODUCT = 1e-10;

/**
 * The gated delta rule in f32 against f64. A row's decay is an exponential of sums of exp(rate) times softplus, up to
 * 165, which multiplies an error of some units in their last place. Seen up to 2.3e-10 in 800 random cases, in states
 * of single heads that forget at once.
 */
export const NMSE_DELTA_RULE = 1e-9;

/** The largest error of a matrix product, over the root mean square of all its values: seen up to 4e-6 at width 4096. */
export const LARGEST_PRODUCT = 2e-5;

/**
 * Products of operands that were rounded to f16, summed in f32: two roundings to 11 bits give 6e-8, which is seen for large
 * products. Seen up to 3e-7 in single rows of activations of 1e-4, some of them subnormal in f16, and with few outputs.
 */
export const NMSE_HALF_PRODUCT = 1e-6;

/** The largest error of such a product, over the root mean square of all its values: seen up to 1.1e-3. */
export const LARGEST_HALF_PRODUCT = 5e-3;

/** One or two f32 operations an element: half a unit in the last place each is 6e-8. */
export const RELATIVE_ELEMENTWISE = 1e-5;

/**
 * Beside RELATIVE_ELEMENTWISE, for activations of values far below zero, where the exponential loses digits and then
 * underflows: 7e-15 was needed, by GELU below -7.
 */
export const ABSOLUTE_ACTIVATION = 1e-12;

/** The error of an activation over its argument: seen up to 2e-7, by the fit of erfc. */
export const FACTOR_ACTIVATION = 5e-7;

/**
 * The f64 references against golden values that were computed in f64 and stored as f32: rounding to f32 alone gives about
 * 1e-15 (half a unit in the last place is a relative 6e-8 at most); seen up to 1.8e-15, in thresholds.
 */
export const NMSE_STORED_AS_F32 = 1e-14;

/**
 * Beside RELATIVE_ELEMENTWISE, for pixel values near zero, where the mean cancels: half a unit in the last place of a
 * number up to 1, over a deviation of 0.25 or more.
 */
export const ABSOLUTE_NORMALIZE = 5e-7;

/** A trained model with its products of many rows in f16, against PyTorch in f32: seen up to 3.1e-8 for logits. */
export const NMSE_HALF_MODEL = 1e-6;

/**
 * The golden checkpoints in f16 against float64: seen up to 6.0e-6 for logits, 1.4e-6 for projected features. Their random
 * weights make 300 and more of 1, and f16 rounds the operands of an encoder's MLPs and of all later layers.
 */
export const NMSE_HALF_RANDOM_MODEL = 1e-5;

/** Keys and values in f16 instead of f32, in models of random weights, which turn 1 into 300: seen up to 1.2e-6. */
export const NMSE_HALF_CACHE = 1e-5;

/** A whole model in f32 against float64: the stored values allow 1e-8; seen up to 2e-9 for logits. */
export const NMSE_MODEL = 1e-8;

/** The same where a JPEG decoder rounds a few grey levels otherwise than the reference's. */
export const NMSE_JPEG = 1e-5;

/** The same with raw merging, which shrinks tokens to a few percent of their norm: seen up to 8e-9. */
export const NMSE_RAW_MERGE = 1e-7;

/** The same rows through a decoder in chunks of another size, whose sums are in another order: seen up to 3e-13. */
export const NMSE_SAME_ROWS = 1e-10;

/** A prompt in chunks, or row by row, against the same prompt at once: other kernels add in another order; seen 2e-13. */
export const NMSE_CHUNKING = 1e-9;

/**
 * Attention with logits of hundreds, which f32 keeps to about 5e-5: the relative error of a weight. Between 0, where one
 * key has it all, and 2e-10 was seen.
 */
export const NMSE_LARGE_LOGITS = 1e-8;

/** Values stored as f16: rounded to 11 bits, at most 8e-8; four times as much where a device truncates instead. */
export const NMSE_STORED_AS_F16 = 5e-7;

/** Half a unit in the last place of an f16, 2^-11, or a whole one where a device truncates instead of rounding. */
export const ERROR_OF_HALF = 1e-3;

/** The squared error of quantised weights over that of scales that are not rounded to f16: seen up to 0.8 % more. */
export const QUANTISED_EXCESS = 0.05;

/** The shipped model in f32 against PyTorch in f32: both round, in another order; seen up to 1e-11. */
export const NMSE_SHIPPED_MODEL = 1e-6;

/** Logits of two real models, both tiny, with packed weights against f32: seen 3e-7, 2.3e-4, 8e-2 (ViT-Tiny), less (stories260K). */
export const NMSE_PACKED = { f16: 1e-6, q8: 1e-3, q4: 1e-1 } as const;

/** Share of places in a story where stories260K finds the same token the most likely: seen 1, 0.988, 0.911. */
export const SAME_TOKEN_PACKED = { f16: 0.99, q8: 0.95, q4: 0.8 } as const;

/**
 * Logits of the golden checkpoints with packed weights against float64 with the same packed weights: seen 4e-11,
 * 1.1e-5, 1.1e-3. Integers differ where a weight lies between two, which in f32 may be the other one. That is a quarter
 * of a percent of the change by packing itself (4.7e-1), since these networks of random weights turn 1 into 300.
 */
export const NMSE_SAME_PACKED = { f16: 1e-9, q8: 1e-4, q4: 1e-2 } as const;

/**
 * The shipped model with packed weights against PyTorch in f32: largest NMSE of logits, share of greedy answers that
 * stay. Its file holds f16, so that f16 loses nothing. Seen 2e-13, 3.5e-5, 5e-3; 100, 96 and 64 of 100.
 */
export const SHIPPED_MODEL_PACKED = {
  f16: { nmse: 1e-9, same: 1 },
  q8: { nmse: 1e-3, same: 0.88 },
  q4: { nmse: 5e-2, same: 0.5 },
} as const;
