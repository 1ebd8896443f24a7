/** A tensor as the weights of a model have it: named as its family names it, in one or several planes of bytes. */
import type { FileRange } from "../plan-reads.ts";
import type { TensorEntry } from "../safetensors.ts";
import type { Encoding, PlaneRole } from "./encoding.ts";

/** A range of a file. Its `name` is that of the tensor in the file, for messages. */
export interface Plane extends FileRange {
  readonly role: PlaneRole;
  /** Bytes of one row, where rows follow each other. Without it the plane is read whole before anything is decoded. */
  readonly rowBytes?: number;
}

/** Rows that lie in another order than the family's. It repeats after `order.length` rows, which divide all rows. */
export interface RowOrder {
  /** Row `p * order.length + i` of the file is row `p * order.length + order[i]` of the tensor. A permutation. */
  readonly order: readonly number[];
}

export interface StoredTensor {
  /** As in a Hugging Face checkpoint of the family, whatever the file calls it. */
  readonly name: string;
  /** Of the values, outermost first. A packed tensor is a matrix [rows, columns]. */
  readonly shape: readonly number[];
  readonly encoding: Encoding;
  /** A plain tensor has one plane, "values". Empty planes are allowed. */
  readonly planes: readonly Plane[];
  readonly rowOrder?: RowOrder;
  /** The tensor of the checkpoint that has these rows, where they are taken out of one or stand in another order. */
  readonly whole?: StoredTensor;
  /** Added to every value of a plain tensor, where a file stores it with something added. */
  readonly add?: number;
}

/** A tensor of a container that stands for itself. */
export function plainTensor({ name, dtype, shape, file, start, end }: TensorEntry): StoredTensor {
  return { name, shape, encoding: { id: dtype, dtype }, planes: [{ name, file, start, end, role: "values" }] };
}

/** The file of a tensor, for messages: that of its values. */
export function fileOf({ planes }: StoredTensor): string {
  return (planes.find(({ role }) => role === "values") ?? planes[0])?.file ?? "";
}

/** The name of a tensor in its file, for messages; one of several planes goes by the name that its family knows. */
export function nameInFile({ name, planes }: StoredTensor): string {
  return planes.length === 1 ? planes[0]!.name : name;
}
