/** A ViT classifier as an ONNX graph as PyTorch exports it: plain operators, which onnxruntime fuses by itself. */
import type { EncoderSpec } from "../../src/spec/model-spec.ts";
import { pictureSide } from "../parts/vision-subject.ts";
import { Graph } from "./graph.ts";

/** Values of a weight by its canonical name (src/spec/tensor-spec.ts). */
export type WeightValues = (name: string) => Float32Array;

/** Input "pixels" [1, 3, S, S], output "logits" [1, classes]. */
export function vitGraph(spec: EncoderSpec, classes: number, weights: WeightValues): Uint8Array<ArrayBuffer> {
  const { width, mlp, heads, patch, runBlocks, eps } = spec;
  const graph = new Graph({ "": 14 });
  const pixelSide = pictureSide(spec);
  const { rows: gridRows, cols: gridCols } = spec.positions.grid;
  const tokens = gridRows * gridCols + 1;
  const headWidth = width / heads;
  const scalar = (name: string, value: number) => graph.constant(name, "f32", [], Float32Array.of(value));
  const dims = (name: string, values: number[]) =>
    graph.constant(name, "i64", [values.length], BigInt64Array.from(values, BigInt));
  const vector = (name: string, values: Float32Array) => graph.constant(name, "f32", [values.length], values);
  const two = scalar("two", 2);
  const half = scalar("half", 0.5);
  const one = scalar("one", 1);
  const rootTwo = scalar("root two", Math.SQRT2);
  const epsilon = scalar("epsilon", eps);
  const scale = scalar("scale", 1 / Math.sqrt(headWidth));
  const toHeads = dims("to heads", [1, tokens, heads, headWidth]);
  const fromHeads = dims("from heads", [1, tokens, width]);

  const norm = (name: string, x: string) => {
    const mean = graph.node("ReduceMean", `${name} mean`, [x], { axes: { ints: [-1] } });
    const centred = graph.node("Sub", `${name} centred`, [x, mean]);
    const squares = graph.node("Pow", `${name} squares`, [centred, two]);
    const variance = graph.node("ReduceMean", `${name} variance`, [squares], { axes: { ints: [-1] } });
    const above = graph.node("Add", `${name} above`, [variance, epsilon]);
    const deviation = graph.node("Sqrt", `${name} deviation`, [above]);
    const unit = graph.node("Div", `${name} unit`, [centred, deviation]);
    const scaled = graph.node("Mul", `${name} scaled`, [
      unit,
      vector(`${name}.weight`, weights(`encoder.${name}.weight`)),
    ]);
    return graph.node("Add", name, [scaled, vector(`${name}.bias`, weights(`encoder.${name}.bias`))]);
  };
  /** Rows `first` to `first + rows` of the canonical weight, transposed as MatMul wants it. */
  const linear = (name: string, x: string, source: string, rows: number, cols: number, first = 0) => {
    const values = weights(`${source}.weight`).subarray(first * cols, (first + rows) * cols);
    const weight = graph.constant(`${name}.weight`, "f32", [cols, rows], transposed(values, rows, cols));
    const product = graph.node("MatMul", `${name} product`, [x, weight]);
    const bias = weights(`${source}.bias`).subarray(first, first + rows);
    return graph.node("Add", name, [product, vector(`${name}.bias`, bias)]);
  };
  const gelu = (name: string, x: string) => {
    const inner = graph.node("Div", `${name} inner`, [x, rootTwo]);
    const erf = graph.node("Erf", `${name} erf`, [inner]);
    const above = graph.node("Add", `${name} above`, [erf, one]);
    const product = graph.node("Mul", `${name} product`, [x, above]);
    return graph.node("Mul", name, [product, half]);
  };

  const pixels = graph.input("pixels", "f32", [1, 3, pixelSide, pixelSide]);
  const patchShape = [width, 3, patch.side, patch.side];
  const patchWeight = graph.constant("patch.weight", "f32", patchShape, weights("encoder.patch.weight"));
  const patchBias = vector("patch.bias", weights("encoder.patch.bias"));
  const strides = { ints: [patch.side, patch.side] };
  const grid = graph.node("Conv", "patches", [pixels, patchWeight, patchBias], { strides, kernel_shape: strides });
  const flat = graph.node("Reshape", "flat patches", [grid, dims("flat", [1, width, tokens - 1])]);
  const rows = graph.node("Transpose", "patch rows", [flat], { perm: { ints: [0, 2, 1] } });
  const classRow = graph.constant("class", "f32", [1, 1, width], weights("encoder.class"));
  const all = graph.node("Concat", "all rows", [classRow, rows], { axis: { i: 1 } });
  const positions = graph.constant("positions", "f32", [1, tokens, width], weights("encoder.positions"));
  let hidden = graph.node("Add", "embedded", [all, positions]);

  for (let block = 0; block < runBlocks; block++) {
    const name = `blocks.${block}`;
    const normed = norm(`${name}.norm1`, hidden);
    const [q, k, v] = ["q", "k", "v"].map((part, i) => {
      const product = linear(`${name}.${part}`, normed, `encoder.${name}.qkv`, width, width, i * width);
      const split = graph.node("Reshape", `${name}.${part} split`, [product, toHeads]);
      const perm = { ints: part === "k" ? [0, 2, 3, 1] : [0, 2, 1, 3] };
      return graph.node("Transpose", `${name}.${part} heads`, [split], { perm });
    }) as [string, string, string];
    const scores = graph.node("MatMul", `${name} scores`, [q, k]);
    const scaled = graph.node("Mul", `${name} scaled`, [scores, scale]);
    const shares = graph.node("Softmax", `${name} shares`, [scaled], { axis: { i: -1 } });
    const mixed = graph.node("MatMul", `${name} mixed`, [shares, v]);
    const together = graph.node("Transpose", `${name} together`, [mixed], { perm: { ints: [0, 2, 1, 3] } });
    const attended = graph.node("Reshape", `${name} attended`, [together, fromHeads]);
    const out = linear(`${name}.out`, attended, `encoder.${name}.out`, width, width);
    hidden = graph.node("Add", `${name} after attention`, [hidden, out]);
    const wide = linear(`${name}.fc1`, norm(`${name}.norm2`, hidden), `encoder.${name}.fc1`, mlp.width, width);
    const narrow = linear(`${name}.fc2`, gelu(`${name} gelu`, wide), `encoder.${name}.fc2`, width, mlp.width);
    hidden = graph.node("Add", `${name} after mlp`, [hidden, narrow]);
  }

  const normed = norm("norm", hidden);
  const zero = graph.constant("zero", "i64", [], BigInt64Array.of(0n));
  const classToken = graph.node("Gather", "class token", [normed, zero], { axis: { i: 1 } });
  linear("logits", classToken, "classifier", classes, width);
  graph.output("logits", "f32", [1, classes]);
  return graph.encode(8);
}

function transposed(values: Float32Array, rows: number, cols: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) result[col * rows + row] = values[row * cols + col]!;
  return result;
}
