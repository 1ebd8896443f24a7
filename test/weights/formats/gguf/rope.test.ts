/** Rotary positions of a GGUF file as fields of a config.json: what scales them, by which keys. */
import { expect, test } from "vitest";
import type { Keys } from "../../../../src/weights/formats/gguf/keys.ts";
import { ropeFields } from "../../../../src/weights/formats/gguf/rope.ts";

/** Fields of a head of 64 channels in a file with these keys. */
function fieldsOf(values: Record<string, number | string>): Record<string, unknown> {
  const value = (key: string) => values[key];
  const keys = { size: value, number: value, string: value, name: (key: string) => key } as unknown as Keys;
  return ropeFields(keys, {}, 64);
}

test.for<[what: string, keys: Record<string, number | string>, fields: Record<string, unknown>]>([
  ["nothing", {}, { rope_theta: 10000 }],
  ["a part of a head", { "rope.dimension_count": 16 }, { rope_theta: 10000, partial_rotary_factor: 0.25 }],
  [
    "linear",
    { "rope.freq_base": 5e5, "rope.scaling.type": "linear", "rope.scaling.factor": 4 },
    { rope_theta: 5e5, rope_scaling: { rope_type: "linear", factor: 4 } },
  ],
  [
    "the older key",
    { "rope.scale_linear": 2 },
    { rope_theta: 10000, rope_scaling: { rope_type: "linear", factor: 2 } },
  ],
  ["none", { "rope.scaling.type": "none", "rope.scaling.factor": 4 }, { rope_theta: 10000 }],
])("%s", ([, keys, fields]) => expect(fieldsOf(keys)).toEqual(fields));
