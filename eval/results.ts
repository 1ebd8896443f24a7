/** All verdicts of a run, by setting: on the whole set, on the pictures that ablations share, and on those made by hand. */
import { groupBy } from "./group.ts";
import { knownAnswer } from "./interview.ts";
import type { Journal } from "./journal.ts";
import { ABLATION_PICTURES, planItems, type Sets } from "./plan.ts";
import { judge, type Verdict } from "./score.ts";
import type { Setting } from "./settings.ts";

/** The pictures of a figure: all of the set, or the first ones, which every setting was asked about. */
export type Scope = "all" | "shared";

/** The verdicts of all settings, by set of pictures. */
export class Results {
  /** Settings with answers on the drawn set, in their usual order. */
  readonly settings: Setting[];
  readonly byHand: Verdict[];
  readonly #drawn: Map<string, Verdict[]>;
  readonly #shared: Set<string>;

  /**
   * Judges the journal's answers.
   *
   * @param model hash of the model that gave them
   */
  constructor(settings: readonly Setting[], sets: Sets, journal: Journal, model: string) {
    const verdicts = planItems(settings, sets).flatMap((item) => {
      const record = knownAnswer(journal, model, item);
      return record ? [judge(item, record)] : [];
    });
    this.#drawn = groupBy(
      verdicts.filter(({ item }) => item.set === sets.drawn),
      ({ item }) => item.setting.id,
    );
    this.byHand = verdicts.filter(({ item }) => item.set === sets.byHand);
    this.settings = settings.filter(({ id }) => this.#drawn.has(id));
    this.#shared = new Set(sets.drawn.pictures.slice(0, ABLATION_PICTURES).map(({ file }) => file));
  }

  /** Verdicts under a setting; none if it was not asked. */
  of(id: string, scope: Scope = "all"): Verdict[] {
    const verdicts = this.#drawn.get(id) ?? [];
    return scope === "all" ? verdicts : verdicts.filter(({ item }) => this.#shared.has(item.picture.file));
  }

  /** All verdicts. */
  get every(): Verdict[] {
    return [...[...this.#drawn.values()].flat(), ...this.byHand];
  }
}
