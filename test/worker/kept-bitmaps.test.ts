/** Copies of one bitmap are one bitmap to the engine, which knows what it has encoded by the object. */
import { expect, test, vi } from "vitest";
import { KeptBitmaps } from "../../src/worker/kept-bitmaps.ts";

const bitmap = () => ({ close: vi.fn() }) as unknown as ImageBitmap;

test("the first copy stands for all, and the others are closed", () => {
  const kept = new KeptBitmaps();
  const [first, second, other] = [bitmap(), bitmap(), bitmap()];
  expect(kept.unpack({ bitmap: first, number: 1 })).toBe(first);
  expect(kept.unpack({ bitmap: other, number: 2 })).toBe(other);
  expect(kept.unpack({ bitmap: second, number: 1 })).toBe(first);
  expect([first, second, other].map(({ close }) => vi.mocked(close).mock.calls.length)).toEqual([0, 1, 0]);
});

test("those that were not sent for the longest are forgotten, and stay open for who still waits", () => {
  const kept = new KeptBitmaps();
  const first = bitmap();
  kept.unpack({ bitmap: first, number: 0 });
  for (let number = 1; number < 8; number++) kept.unpack({ bitmap: bitmap(), number });
  // Sent again, and so not the oldest any more.
  expect(kept.unpack({ bitmap: bitmap(), number: 0 })).toBe(first);
  kept.unpack({ bitmap: bitmap(), number: 8 });
  expect(kept.unpack({ bitmap: bitmap(), number: 0 })).toBe(first);
  const again = bitmap();
  expect(kept.unpack({ bitmap: again, number: 1 })).toBe(again);
  expect(first.close).not.toHaveBeenCalled();
});

test("everything else is passed on", () => {
  const kept = new KeptBitmaps();
  const blob = new Blob(["x"]);
  for (const image of [blob, "https://example.org/cat.jpg", null, 3]) expect(kept.unpack(image as never)).toBe(image);
});
