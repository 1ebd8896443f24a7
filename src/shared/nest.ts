/** The size of a nest, which files, buffers and kernels of packed weights agree on. */

/** Neighbours in a row that share the units of nested scales. */
export const NEST = 256;
