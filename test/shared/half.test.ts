import { expect, test } from "vitest";
import { halfBits, halfValue } from "../../src/shared/half.ts";
import { f16ToNumber } from "../reference/weight-unpack.ts";

test("every finite f16 comes back, and between two of them the nearer one, of two the even one", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = f16ToNumber(bits);
    const next = bits === 0x7bff ? 65536 : f16ToNumber(bits + 1);
    const middle = (value + next) / 2;
    const above = Math.fround(middle + (next - value) / 1024);
    const below = Math.fround(middle - (next - value) / 1024);
    const cases: [number, number][] = [
      [value, bits],
      [below, bits],
      [middle, bits + (bits % 2)],
      [above, bits + 1],
    ];
    for (const [number, expected] of cases)
      for (const sign of [0, 0x8000])
        if (halfBits(sign ? -number : number) !== (expected | sign)) expect.fail(`${number}: ${halfBits(number)}`);
    if (!Object.is(halfValue(bits), value) || !Object.is(halfValue(bits | 0x8000), -value)) expect.fail(`${bits}`);
  }
});

test("numbers that are too large, NaN and tiny ones", () => {
  expect([65520, 1e30, Infinity, -Infinity].map(halfBits)).toEqual([0x7c00, 0x7c00, 0x7c00, 0xfc00]);
  expect(halfBits(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00);
  expect([2 ** -25, 1e-30, -0].map(halfBits)).toEqual([0, 0, 0x8000]);
});
