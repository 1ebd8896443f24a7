/** Buffers that can be transferred instead of copied. */

/** All buffers in a plain value, each once: for results, which the worker does not use again. */
export function buffersIn(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (one: unknown): void => {
    if (ArrayBuffer.isView(one)) found.add(one.buffer as ArrayBuffer);
    else if (typeof one === "object" && one !== null) for (const part of Object.values(one)) visit(part);
  };
  visit(value);
  return [...found];
}
