/** Every tolerance of the tests, each with its measured reason. */

/** Sums and products of f32 against f64 of the same inputs: seen up to 3e-14 for matrix products of width 4096. */
export const NMSE_PRODUCT = 1e-10;
