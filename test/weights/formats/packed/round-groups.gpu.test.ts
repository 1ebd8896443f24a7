import { expect, test } from "vitest";
import { readTensor } from "../../../../src/gpu/readback.ts";
import { weightPack } from "../../../../src/kernels/weight-pack.ts";
import { roundGroups } from "../../../../src/weights/formats/packed/round-groups.ts";
import { f16ToNumber } from "../../../reference/weight-unpack.ts";
import { freshRandom, inputTensor, useGpu } from "../../../support/gpu.ts";

const { gpu } = useGpu();

test.for<["q4" | "q8", 4 | 8]>([
  ["q4", 4],
  ["q8", 8],
])("%s: the integers and scales of the shader, bit for bit", async ([type, bits]) => {
  const shape = [512, 256] as const;
  const count = shape[0] * shape[1];
  const values = Float32Array.from(freshRandom("round-groups").floats(count, 0.03));
  // Groups of zeros, of equals with both signs (all of them; in two of the shader's four components), of tiny and of large values.
  values.fill(0, 0, 32);
  for (let i = 0; i < 32; i++) {
    values[32 + i] = i % 2 ? 0.25 : -0.25;
    values[64 + i] = 1e-6 * Math.sin(i);
    values[96 + i] = 900 * Math.cos(i);
    values[128 + i] = 0.01 * (i - 16);
    values[160 + i] = [0.05, -0.2, 0.2, 0.03][i % 4]!;
  }
  const x = inputTensor(gpu(), [count], values);
  const y = gpu().arena.tensor("packed", [...shape], type);
  const args = { x, elements: count, y, yOffset: 0, tooLarge: inputTensor(gpu(), [1], [0], "u32"), counter: 0 };
  await gpu().compile((recorder) => weightPack(recorder, args));
  gpu().submit("test", (pass) => weightPack(pass, args));
  const words = (await readTensor(gpu(), y)) as Uint32Array;

  const rounded = roundGroups(values, bits);
  const bytes = new Uint8Array(words.buffer, 0, (count * bits) / 8);
  const halves = new Uint16Array(words.buffer, bytes.byteLength, count / 32);
  const scales = Float32Array.from(halves, (half) => f16ToNumber(half) / 256);
  expect(differences(rounded.scales, scales)).toEqual([]);
  expect(differences(rounded.integers, bytes)).toEqual([]);
});

function differences(found: ArrayLike<number>, wanted: ArrayLike<number>): string[] {
  const all: string[] = [];
  for (let i = 0; i < wanted.length && all.length < 10; i++)
    if (found[i] !== wanted[i]) all.push(`${i}: ${found[i]}, the shader has ${wanted[i]}`);
  return all;
}
