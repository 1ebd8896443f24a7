/** POPE: accuracy, precision, recall, F1 and the share of "yes", as LLaVA's eval_pope.py counts them. */
import { groupBy } from "../group.ts";
import { type Answered, type Figure, figure, percentOf, type Score, type Unit } from "./scoring.ts";

/** An answer is "yes" if its first sentence has none of the words "No", "no" and "not". */
export function deniesOrAffirms(answer: string): "yes" | "no" {
  const [sentence = ""] = answer.trim().split(".");
  const words = sentence.replaceAll(",", "").split(" ");
  return words.some((word) => word === "No" || word === "no" || word === "not") ? "no" : "yes";
}

/** The F1 of a part without a "yes", said or expected, is 0. */
export function yesNo(answered: readonly Answered[]): Score {
  const units: Unit[] = answered.map(({ id, cluster, category, answer, expected }) => ({
    id,
    cluster,
    category,
    value: Number(deniesOrAffirms(answer) === expected[0]),
  }));
  const categories = [...groupBy(answered, ({ category }) => category)];
  const parts = categories.flatMap(([category, own]) => [
    percentOf(
      `${category}: accuracy`,
      units.filter((unit) => unit.category === category),
    ),
    countsOf(own, `${category}: `)[0]!,
  ]);
  const figures = [percentOf("accuracy", units), ...countsOf(answered)];
  return { units, figures, parts: categories.length > 1 ? parts : [] };
}

/** F1, precision, recall and the share of "yes", in percent. */
function countsOf(answered: readonly Answered[], prefix = ""): Figure[] {
  const said = answered.filter(({ answer }) => deniesOrAffirms(answer) === "yes");
  const expected = answered.filter((one) => one.expected[0] === "yes");
  const both = said.filter((one) => one.expected[0] === "yes").length;
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const [precision, recall] = [share(both, said.length), share(both, expected.length)];
  const named: [name: string, value: number][] = [
    ["F1", share(2 * precision * recall, precision + recall)],
    ["precision", precision],
    ["recall", recall],
    ["share of yes", share(said.length, answered.length)],
  ];
  return named.map(([name, value]) => figure(prefix + name, 100 * value, 100, answered.length));
}
