/** A ViT classifier as an ONNX graph as PyTorch exports it: plain operators, which onnxruntime fuses by itself. */
import type { EncoderSpec } from "../../src/spec/model-spec.ts";
import { pictureSide } from "../parts/vision-subject.ts";
import { Graph } from "./graph.ts";

/** Values of a weight by its canonical name (src/spec/tensor-spec.ts). */
export type WeightValues = (name: string) => Float32Array;

/** Input "pixels" [1, 3, S, S], output "logits" [1, classes]. */
export function vitGraph(spec: EncoderSpec, classes: number, weights: WeightValues): Uint8Array<ArrayBuffer> {
  const graph = new Graph({ "": 14 });
  const vit = new Vit(graph, spec, weights);
  let hidden = vit.embed();
  for (let block = 0; block < spec.runBlocks; block++) hidden = vit.block(`blocks.${block}`, hidden);
  const normed = vit.norm("norm", hidden);
  const zero = graph.constant("zero", "i64", [], BigInt64Array.of(0n));
  const classToken = graph.node("Gather", "class token", [normed, zero], { axis: { i: 1 } });
  vit.linear("logits", classToken, "classifier", classes, spec.width);
  graph.output("logits", "f32", [1, classes]);
  return graph.encode(8);
}

/** The parts of the graph. Methods add nodes, and return the name of their output [1, rows, width]. */
class Vit {
  readonly #graph: Graph;
  readonly #spec: EncoderSpec;
  readonly #weights: WeightValues;
  readonly #rows: number;
  readonly #two: string;
  readonly #half: string;
  readonly #one: string;
  readonly #rootTwo: string;
  readonly #epsilon: string;
  readonly #scale: string;
  readonly #toHeads: string;
  readonly #fromHeads: string;

  constructor(graph: Graph, spec: EncoderSpec, weights: WeightValues) {
    const { width, heads, positions, eps } = spec;
    this.#graph = graph;
    this.#spec = spec;
    this.#weights = weights;
    this.#rows = positions.grid.rows * positions.grid.cols + 1;
    this.#two = this.#scalar("two", 2);
    this.#half = this.#scalar("half", 0.5);
    this.#one = this.#scalar("one", 1);
    this.#rootTwo = this.#scalar("root two", Math.SQRT2);
    this.#epsilon = this.#scalar("epsilon", eps);
    this.#scale = this.#scalar("scale", 1 / Math.sqrt(width / heads));
    this.#toHeads = this.#dims("to heads", [1, this.#rows, heads, width / heads]);
    this.#fromHeads = this.#dims("from heads", [1, this.#rows, width]);
  }

  /** The class token's row and those of the patches, with positions. */
  embed(): string {
    const graph = this.#graph;
    const { width, patch } = this.#spec;
    const side = pictureSide(this.#spec);
    const pixels = graph.input("pixels", "f32", [1, 3, side, side]);
    const patchShape = [width, 3, patch.side, patch.side];
    const weight = graph.constant("patch.weight", "f32", patchShape, this.#weights("encoder.patch.weight"));
    const bias = this.#vector("patch.bias", this.#weights("encoder.patch.bias"));
    const strides = { ints: [patch.side, patch.side] };
    const grid = graph.node("Conv", "patches", [pixels, weight, bias], { strides, kernel_shape: strides });
    const flat = graph.node("Reshape", "flat patches", [grid, this.#dims("flat", [1, width, this.#rows - 1])]);
    const rows = graph.node("Transpose", "patch rows", [flat], { perm: { ints: [0, 2, 1] } });
    const classRow = graph.constant("class", "f32", [1, 1, width], this.#weights("encoder.class"));
    const all = graph.node("Concat", "all rows", [classRow, rows], { axis: { i: 1 } });
    const values = this.#weights("encoder.positions");
    const positions = graph.constant("positions", "f32", [1, this.#rows, width], values);
    return graph.node("Add", "embedded", [all, positions]);
  }

  block(name: string, hidden: string): string {
    const { width, mlp } = this.#spec;
    const attended = this.#attention(name, this.norm(`${name}.norm1`, hidden));
    const out = this.linear(`${name}.out`, attended, `encoder.${name}.out`, width, width);
    const sum = this.#graph.node("Add", `${name} after attention`, [hidden, out]);
    const normed = this.norm(`${name}.norm2`, sum);
    const wide = this.linear(`${name}.fc1`, normed, `encoder.${name}.fc1`, mlp.width, width);
    const narrow = this.linear(
      `${name}.fc2`,
      this.#gelu(`${name} gelu`, wide),
      `encoder.${name}.fc2`,
      width,
      mlp.width,
    );
    return this.#graph.node("Add", `${name} after mlp`, [sum, narrow]);
  }

  norm(name: string, x: string): string {
    const graph = this.#graph;
    const mean = graph.node("ReduceMean", `${name} mean`, [x], { axes: { ints: [-1] } });
    const centred = graph.node("Sub", `${name} centred`, [x, mean]);
    const squares = graph.node("Pow", `${name} squares`, [centred, this.#two]);
    const variance = graph.node("ReduceMean", `${name} variance`, [squares], { axes: { ints: [-1] } });
    const above = graph.node("Add", `${name} above`, [variance, this.#epsilon]);
    const deviation = graph.node("Sqrt", `${name} deviation`, [above]);
    const unit = graph.node("Div", `${name} unit`, [centred, deviation]);
    const weight = this.#vector(`${name}.weight`, this.#weights(`encoder.${name}.weight`));
    const scaled = graph.node("Mul", `${name} scaled`, [unit, weight]);
    return graph.node("Add", name, [scaled, this.#vector(`${name}.bias`, this.#weights(`encoder.${name}.bias`))]);
  }

  /** Rows `first` to `first + rows` of the canonical weight, transposed as MatMul wants it. */
  linear(name: string, x: string, source: string, rows: number, cols: number, first = 0): string {
    const values = this.#weights(`${source}.weight`).subarray(first * cols, (first + rows) * cols);
    const weight = this.#graph.constant(`${name}.weight`, "f32", [cols, rows], transposed(values, rows, cols));
    const product = this.#graph.node("MatMul", `${name} product`, [x, weight]);
    const bias = this.#weights(`${source}.bias`).subarray(first, first + rows);
    return this.#graph.node("Add", name, [product, this.#vector(`${name}.bias`, bias)]);
  }

  #attention(name: string, x: string): string {
    const graph = this.#graph;
    const { width } = this.#spec;
    const [q, k, v] = ["q", "k", "v"].map((part, i) => {
      const product = this.linear(`${name}.${part}`, x, `encoder.${name}.qkv`, width, width, i * width);
      const split = graph.node("Reshape", `${name}.${part} split`, [product, this.#toHeads]);
      const perm = { ints: part === "k" ? [0, 2, 3, 1] : [0, 2, 1, 3] };
      return graph.node("Transpose", `${name}.${part} heads`, [split], { perm });
    }) as [string, string, string];
    const scores = graph.node("MatMul", `${name} scores`, [q, k]);
    const scaled = graph.node("Mul", `${name} scaled`, [scores, this.#scale]);
    const shares = graph.node("Softmax", `${name} shares`, [scaled], { axis: { i: -1 } });
    const mixed = graph.node("MatMul", `${name} mixed`, [shares, v]);
    const together = graph.node("Transpose", `${name} together`, [mixed], { perm: { ints: [0, 2, 1, 3] } });
    return graph.node("Reshape", `${name} attended`, [together, this.#fromHeads]);
  }

  #gelu(name: string, x: string): string {
    const inner = this.#graph.node("Div", `${name} inner`, [x, this.#rootTwo]);
    const erf = this.#graph.node("Erf", `${name} erf`, [inner]);
    const above = this.#graph.node("Add", `${name} above`, [erf, this.#one]);
    const product = this.#graph.node("Mul", `${name} product`, [x, above]);
    return this.#graph.node("Mul", name, [product, this.#half]);
  }

  #scalar(name: string, value: number): string {
    return this.#graph.constant(name, "f32", [], Float32Array.of(value));
  }

  #dims(name: string, values: readonly number[]): string {
    return this.#graph.constant(name, "i64", [values.length], BigInt64Array.from(values, BigInt));
  }

  #vector(name: string, values: Float32Array): string {
    return this.#graph.constant(name, "f32", [values.length], values);
  }
}

function transposed(values: Float32Array, rows: number, cols: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) result[col * rows + row] = values[row * cols + col]!;
  return result;
}
