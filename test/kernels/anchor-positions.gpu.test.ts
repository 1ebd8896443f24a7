import { describe, expect, test } from "vitest";
import { anchorPositions } from "../../src/kernels/anchor-positions.ts";
import { initialOwners } from "../../src/kernels/owners.ts";
import { anchorPositions as reference } from "../reference/anchor-positions.ts";
import { initialOrigins as initialReference } from "../reference/owners.ts";
import { inputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("anchor-positions", () => {
  const { gpu } = useGpu();

  test.for([
    { patches: 1, xRow: 0, tokens: 1, row: 0, base: 5 },
    { patches: 70, xRow: 3, tokens: 65, row: 2, base: 100 },
  ])("$tokens of $patches tokens to row $row", async ({ patches, xRow, tokens, row, base }) => {
    const owners = inputTensor(gpu(), [patches], initialOwners(patches, 1), "u32");
    const positions = inputTensor(gpu(), [80], new Uint32Array(80).fill(7), "u32");
    const args = { owners, positions, xRow, tokens, row, base };
    const actual = await runAndRead(gpu(), positions, (recorder) => anchorPositions(recorder, args));
    const expected = new Array(80).fill(7);
    expected.splice(row, tokens, ...reference(initialReference(patches), base).slice(xRow, xRow + tokens));
    expect([...actual]).toEqual(expected);
  });
});
