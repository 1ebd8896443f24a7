import { describe, expect, test } from "vitest";
import { STATE_SLOTS, StateSlots } from "../../../src/model/decoder/state-slots.ts";

/** Runs rows up to each of these lengths, one chunk after another. */
function run(slots: StateSlots, start: number, ends: readonly number[]): void {
  let from = start;
  for (const end of ends) {
    slots.advance(from, end);
    from = end;
  }
}

describe("states of recurrent layers", () => {
  test("begin with none, and can always begin anew", () => {
    const slots = new StateSlots();
    expect(slots.step(0)).toEqual({ from: undefined, to: 0 });
    expect(slots.reusable(100)).toBe(0);
    expect(slots.has(0)).toBe(true);
  });

  test("read one slot and write another", () => {
    const slots = new StateSlots();
    let length = 0;
    for (let step = 1; step <= 20; step++) {
      const { from, to } = slots.step(length);
      expect(to).not.toBe(from);
      expect(to).toBeLessThan(STATE_SLOTS);
      slots.advance(length, length + 3);
      length += 3;
      expect(slots.step(length).from).toBe(to);
    }
  });

  test("go back by the one row that may have run ahead", () => {
    const slots = new StateSlots();
    run(slots, 0, [10]);
    slots.save(10);
    run(slots, 10, [20]);
    slots.save(20);
    run(slots, 20, [21, 22, 23, 24, 25]);
    expect(slots.reusable(24)).toBe(24);
    slots.truncate(24);
    expect(slots.has(25)).toBe(false);
    expect(slots.step(24).from).toBeDefined();
    // From there on, too.
    run(slots, 24, [25, 26]);
    expect(slots.reusable(25)).toBe(25);
  });

  test("keep the two longest saved points, however many rows follow", () => {
    const slots = new StateSlots();
    for (const [start, end] of [
      [0, 10],
      [10, 20],
      [20, 30],
    ] as const) {
      slots.advance(start, end);
      slots.save(end);
    }
    run(
      slots,
      30,
      Array.from({ length: 50 }, (_, i) => 31 + i),
    );
    expect(slots.reusable(79)).toBe(79);
    expect(slots.reusable(78)).toBe(30);
    expect(slots.reusable(29)).toBe(20);
    expect(slots.reusable(19)).toBe(0);
  });

  test("a length that no state stands for is not gone on from", () => {
    const slots = new StateSlots();
    run(slots, 0, [10]);
    slots.save(4);
    expect(slots.reusable(9)).toBe(0);
    expect(() => slots.advance(9, 12)).toThrow("no state of 9 rows");
  });

  test("forget what is longer than the rows that count", () => {
    const slots = new StateSlots();
    run(slots, 0, [10, 20]);
    slots.save(20);
    slots.truncate(10);
    expect(slots.reusable(100)).toBe(10);
    slots.truncate(0);
    expect(slots.step(0)).toEqual({ from: undefined, to: 0 });
  });
});
