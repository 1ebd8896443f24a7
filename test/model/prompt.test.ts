/** Prompts as rows: where pictures stand, and which position the text after a picture has. */
import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { splicePrompt } from "../../src/model/prompt.ts";

const MODEL = { imageTokenId: 9, vocabularySize: 10 };

/** Only its shape is read. */
const rows = (count: number) => ({ shape: [count, 4] }) as unknown as Tensor;

describe("the position after a picture", () => {
  test("is contiguous where the picture's tokens have no place", () => {
    const { positions, nextPosition } = splicePrompt([1, 9, 2, 3], [{ tokens: rows(3) }], MODEL);
    expect([...positions]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(nextPosition).toBe(6);
  });

  test.for([
    { classTokens: 0, next: 17 },
    { classTokens: 1, next: 18 },
  ])("is after the whole grid and $classTokens class tokens with original positions", ({ classTokens, next }) => {
    const placed = { origins: rows(3), first: classTokens, patches: 16 };
    const image = { tokens: rows(3 + classTokens), placed };
    const { positions, nextPosition } = splicePrompt([1, 9, 2], [image], MODEL);
    // The class token has its own position; those of the patches are on the GPU, and 0 here.
    const picture = [...(classTokens ? [1] : []), 0, 0, 0];
    expect([...positions]).toEqual([0, ...picture, next]);
    expect(nextPosition).toBe(next + 1);
  });
});
