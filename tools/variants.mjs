// The quantisations of a model in a terminal: a list with sizes, and the choice of one of them.

/**
 * @typedef {object} ListedVariant
 * @property {string} name such as "Q4_K_M"
 * @property {string} file
 * @property {number} bytes
 * @property {boolean} fits
 * @property {boolean} chosen true for the default
 */

/**
 * A numbered line for each.
 * @param {readonly ListedVariant[]} variants
 */
export function variantLines(variants) {
  const width = Math.max(...variants.map(({ name }) => name.length));
  return variants.map(({ name, file, bytes, fits, chosen }, i) => {
    const size = `${(bytes / 1e6).toFixed(1)} MB`.padStart(11);
    const remark = `${fits ? "" : "  may not fit"}${chosen ? "  read unless another is named" : ""}`;
    return `${String(i + 1).padStart(3)}  ${name.padEnd(width)} ${size}  ${file}${remark}`;
  });
}

/**
 * Asks for the quantisation to read, and repeats after a wrong answer. An empty answer chooses the default.
 * @param {readonly ListedVariant[]} variants
 * @param {(question: string) => Promise<string>} ask
 * @returns {Promise<string>} the name of its file
 */
export async function chooseVariant(variants, ask) {
  const usual = Math.max(
    0,
    variants.findIndex(({ chosen }) => chosen),
  );
  const list = `This model has ${variants.length} quantisations:\n${variantLines(variants).join("\n")}\n`;
  for (let question = list; ; question = "") {
    const answer = (await ask(`${question}Which one? 1 to ${variants.length}, or a name [${usual + 1}]: `)).trim();
    if (answer === "") return /** @type {ListedVariant} */ (variants[usual]).file;
    const found =
      variants[Number(answer) - 1] ?? variants.find(({ name }) => name.toLowerCase() === answer.toLowerCase());
    if (found) return found.file;
  }
}
