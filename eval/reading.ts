/** The hand-written interpretation of one run's figures, which belongs to that run's report only. */

/** A run, by everything that its figures depend on. */
export interface RunIdentity {
  /** Hash of the model's files, or its start. */
  model: string;
  /** Builds of the library that answered. */
  engines: readonly string[];
  answers: number;
}

/** The first line of a reading: the run that it was written for. */
const FOR = /^<!-- model: (\S+), engine: (.+?), answers: (\d+) -->\n/;

/** The text of a reading; "" if it was written for another run. Throws an Error of one line for a reading without a run. */
export function readingFor(text: string, { model, engines, answers }: RunIdentity): string {
  const [line, writtenModel, writtenEngines, count] = FOR.exec(text) ?? [];
  if (line === undefined)
    throw new Error("eval/reading.md must begin with <!-- model: HASH, engine: HASH, answers: NUMBER -->");
  const isSame = model.startsWith(writtenModel!) && engines.join(" ") === writtenEngines && String(answers) === count;
  return isSame ? text.slice(line.length).trim() : "";
}
