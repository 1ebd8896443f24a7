/**
 * Counts sentences. IFEval uses NLTK's Punkt, a trained model; this uses the platform's own segmentation (Unicode UAX
 * 29), with two additions that bring it closer to Punkt. Texts with unusual abbreviations may differ.
 */

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/** A full stop after these does not end a sentence. */
const ABBREVIATION = /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|approx|mr|mrs|ms|dr|prof|\p{L})\.$/iu;

/** Sentences of an English text. A line break counts as a blank. */
export function countSentences(text: string): number {
  const flat = text.replace(/\s+/g, " ").trim();
  const pieces = Array.from(segmenter.segment(flat), ({ segment }) => segment)
    // UAX 29 finds no end before a lower-case letter.
    .flatMap((segment) => segment.split(/(?<=[.!?]) +/))
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "");
  return pieces.filter((piece, i) => i === pieces.length - 1 || !ABBREVIATION.test(piece)).length;
}
