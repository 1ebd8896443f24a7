/** The settings of a sweep: all tokens, and every method at every budget, without inhibition and with it. */
import { PLAIN, type Setting } from "../settings.ts";
import { METHODS } from "./methods.ts";

export interface SweepOptions {
  /** Names of methods. */
  methods: readonly string[];
  /** Image tokens to keep; undefined for the usual budgets below the model's own number. */
  tokens: readonly number[] | undefined;
  /** Largest shares of inhibited tokens; 0 is none. */
  inhibition: readonly number[];
}

/** A setting of a sweep, and the curve on which it lies. */
export interface SweepSetting extends Setting {
  method: string;
}

const BUDGETS = [8, 16, 32, 64, 128, 256];

/**
 * The reference with all tokens comes first. Duplicate compressions are left out. Throws an Error of one line for an
 * unknown method, and if no usual budget is below the model's tokens.
 *
 * @param imageTokens of the model; 0 if unknown, to check names only
 */
export function sweepSettings({ methods, tokens, inhibition }: SweepOptions, imageTokens: number): SweepSetting[] {
  const chosen = methods.map((name) => {
    const method = METHODS.find((one) => one.name === name);
    if (!method)
      throw new Error(`--methods: unknown "${name}"; choose from ${METHODS.map((one) => one.name).join(", ")}`);
    return method;
  });
  // A tiled picture has more tokens than one view, so a chosen budget may be larger.
  const budgets = tokens ?? BUDGETS.filter((count) => imageTokens === 0 || count < imageTokens);
  if (budgets.length === 0)
    throw new Error(
      `--tokens is missing: the model has ${imageTokens} image tokens, fewer than any usual budget; pass some`,
    );
  return inhibition.flatMap((maxRatio) => {
    const suffix = maxRatio === 0 ? "" : `+cmai-${maxRatio}`;
    const named = maxRatio === 0 ? "" : `, CMAI ${maxRatio}`;
    const rest = { group: "sweep", inhibition: { maxRatio } } as const;
    const seen = new Set<string>();
    return [
      {
        id: `${PLAIN}${suffix}`,
        title: `all tokens${named}`,
        method: `all${suffix}`,
        compression: { method: "none" },
        ...rest,
      },
      ...chosen.flatMap(({ name, at }): SweepSetting[] =>
        budgets.flatMap((count) => {
          const compression = at(count, imageTokens || count + 1);
          const key = JSON.stringify([name, compression]);
          if (!compression || seen.has(key)) return [];
          seen.add(key);
          return [
            {
              id: `${name}-${count}${suffix}`,
              title: `${name} ${count}${named}`,
              method: `${name}${suffix}`,
              compression,
              ...rest,
            },
          ];
        }),
      ),
    ];
  });
}
