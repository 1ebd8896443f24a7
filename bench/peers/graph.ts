/**
 * Writes ONNX graphs. Node only: the package that knows the format is installed on demand (install.ts) and has no types
 * here.
 */
import { createRequire } from "node:module";

/** Values of TensorProto.DataType. */
const TYPES = { f32: 1, u8: 2, i32: 6, i64: 7 } as const;
type DataType = keyof typeof TYPES;

/** Values of AttributeProto.AttributeType. */
const ATTRIBUTES = { f: 1, i: 2, s: 3, ints: 7 } as const;

export type Attribute = { f: number } | { i: number } | { s: string } | { ints: number[] };

/** A dimension by its number or by its name. */
export type Dimension = number | string;

interface OnnxProto {
  onnx: { ModelProto: { encode(message: object): { finish(): Uint8Array } } };
}

/** A graph under construction: tensors are known by their names. */
export class Graph {
  readonly #nodes: object[] = [];
  readonly #constants: object[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];
  readonly #domains: Record<string, number>;

  /** @param domains operator sets by domain; "" is ONNX's own */
  constructor(domains: Record<string, number>) {
    this.#domains = domains;
  }

  input(name: string, type: DataType, shape: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: DataType, shape: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** A constant tensor; the name given is its name in the graph. */
  constant(name: string, type: DataType, dims: readonly number[], values: ArrayBufferView): string {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#constants.push({ name, dataType: TYPES[type], dims, rawData });
    return name;
  }

  /** Adds a node; its output has the given name, further outputs are in `outputs`. "" is an omitted input. */
  node(
    opType: string,
    name: string,
    inputs: readonly string[],
    { domain = "", outputs = [] as readonly string[], ...attributes }: NodeOptions = {},
  ): string {
    const attribute = Object.entries(attributes as Record<string, Attribute>).map(([attributeName, value]) => {
      const [kind, content] = Object.entries(value)[0] as [keyof typeof ATTRIBUTES, unknown];
      const stored = kind === "s" ? new TextEncoder().encode(content as string) : content;
      return { name: attributeName, type: ATTRIBUTES[kind], [kind]: stored };
    });
    this.#nodes.push({ opType, domain, name, input: inputs, output: [name, ...outputs], attribute });
    return name;
  }

  /** The file. @param irVersion of the format */
  encode(irVersion: number): Uint8Array<ArrayBuffer> {
    const { onnx } = createRequire(new URL("./package.json", import.meta.url))("onnx-proto") as OnnxProto;
    const model = {
      irVersion,
      producerName: "fovea-bench",
      opsetImport: Object.entries(this.#domains).map(([domain, version]) => ({ domain, version })),
      graph: {
        name: "bench",
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
    };
    return new Uint8Array(onnx.ModelProto.encode(model).finish());
  }
}

export type NodeOptions = {
  domain?: string;
  outputs?: readonly string[];
} & { [attribute: string]: Attribute | string | readonly string[] | undefined };

function valueInfo(name: string, type: DataType, shape: readonly Dimension[]): object {
  const dim = shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: TYPES[type], shape: { dim } } } };
}
