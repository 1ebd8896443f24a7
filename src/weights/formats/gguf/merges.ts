/** Merges of a vocabulary of SentencePiece's BPE, which a file gives as scores of pieces. */
import type { GgufVocabulary } from "./vocabulary.ts";

/** Longest piece that is cut into two in all ways. SentencePiece itself allows 16 characters. */
const MAX_PIECE_LENGTH = 128;

/**
 * All ways to make a mergeable piece of two others, best first. SentencePiece merges the pair whose whole has the highest
 * score. Ids break ties, as in files without real scores: they are in the order of the training.
 */
export function mergesOfScores(
  { texts, idOf }: Pick<GgufVocabulary, "texts" | "idOf">,
  scores: ArrayLike<number>,
  isPiece: (id: number) => boolean,
): [string, string][] {
  const ids = texts.map((_, id) => id).filter((id) => isPiece(id) && texts[id]!.length <= MAX_PIECE_LENGTH);
  ids.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const partId = (part: string) => {
    const id = idOf.get(part);
    return id !== undefined && isPiece(id) ? id : undefined;
  };
  return ids.flatMap((id) => splits(texts[id]!, partId));
}

/** The ways to make one piece, in the order of transformers: by the id of the left part. */
function splits(piece: string, partId: (part: string) => number | undefined): [string, string][] {
  const found: { left: number; parts: [string, string] }[] = [];
  for (let cut = 1; cut < piece.length; cut++) {
    const parts: [string, string] = [piece.slice(0, cut), piece.slice(cut)];
    const left = partId(parts[0]);
    if (left !== undefined && partId(parts[1]) !== undefined) found.push({ left, parts });
  }
  return found.sort((a, b) => a.left - b.left).map(({ parts }) => parts);
}
