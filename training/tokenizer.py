"""A byte-level BPE tokenizer, trained on the writer's own texts and written as tokenizer.json (Hugging Face layout).

`python tokenizer.py FOLDER` trains and writes; `Tokenizer.load` reads the same file back, so that training and the engine
share one vocabulary. The splitting pattern is GPT-2's, in the ASCII form that suffices for the training texts.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

from dialogue import make_dialogues
from scene import make_scene

BOS, EOS, IMAGE, PAD = "<s>", "</s>", "<image>", "<pad>"
SPECIAL = [BOS, EOS, IMAGE, PAD]
SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")
VOCABULARY = 1408


def _byte_letters() -> list[str]:
    """GPT-2's printable stand-in for each byte."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(b) if b in kept else chr(next(spare)) for b in range(256)]


LETTERS = _byte_letters()
BYTES = {letter: byte for byte, letter in enumerate(LETTERS)}


class Tokenizer:
    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
        self.vocabulary, self.pieces = vocabulary, {i: p for p, i in vocabulary.items()}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.cache: dict[str, list[int]] = {}

    @staticmethod
    def load(path: Path) -> "Tokenizer":
        data = json.loads(path.read_text())
        return Tokenizer({p: i for p, i in data["model"]["vocab"].items()}, [tuple(m.split(" ")) for m in data["model"]["merges"]])

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; special tokens are not recognised in it."""
        ids: list[int] = []
        for word in SPLIT.findall(text):
            if word not in self.cache:
                self.cache[word] = [self.vocabulary[p] for p in self._merge([LETTERS[b] for b in word.encode()])]
            ids += self.cache[word]
        return ids

    def decode(self, ids: list[int]) -> str:
        letters = "".join(self.pieces[i] for i in ids if self.pieces[i] not in SPECIAL)
        return bytes(BYTES[ch] for ch in letters).decode(errors="replace")

    def _merge(self, parts: list[str]) -> list[str]:
        while len(parts) > 1:
            rank, at = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts


def train(words: Counter[str], size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Ordinary BPE: merge the most frequent pair (ties: the smaller pair) until the vocabulary has `size` entries."""
    vocabulary = {piece: i for i, piece in enumerate(SPECIAL + [LETTERS[b] for b in range(256)])}
    split = {word: [LETTERS[b] for b in word.encode()] for word in words}
    merges: list[tuple[str, str]] = []
    while len(vocabulary) < size:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in split.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        vocabulary[best[0] + best[1]] = len(vocabulary)
        for parts in split.values():
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == best:
                    parts[i : i + 2] = [best[0] + best[1]]
                i += 1
    return vocabulary, merges


def corpus_words(scenes: int) -> Counter[str]:
    """Words of training dialogues, with damped counts: rare kinds in capitals deserve whole pieces too."""
    words: Counter[str] = Counter()
    for seed in range(scenes):
        for dialogue in make_dialogues(make_scene(seed), 8, 0.5):
            for turn in dialogue:
                words.update(SPLIT.findall("\n" + turn.prompt))
                words.update(SPLIT.findall(" " + turn.answer))
    words.update(SPLIT.findall("USER:") * 1000 + SPLIT.findall(" ASSISTANT:") * 1000)
    return Counter({word: int(count**0.5 * 10) for word, count in words.items() if count > 2})


def tokenizer_json(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> dict:
    added = [{"id": vocabulary[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for t in SPECIAL]
    template = [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "TemplateProcessing", "single": template,
                           "pair": template + [{"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {BOS: {"id": BOS, "ids": [vocabulary[BOS]], "tokens": [BOS]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": [" ".join(m) for m in merges]},
    }


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = train(corpus_words(8000), VOCABULARY)
    text = json.dumps(tokenizer_json(vocabulary, merges), ensure_ascii=False, indent=1)
    (folder / "tokenizer.json").write_text(text + "\n")
    tokenizer = Tokenizer(vocabulary, merges)
    lengths = [(len(tokenizer.encode(t.prompt)), len(tokenizer.encode(" " + t.answer))) for seed in range(10000, 10500)
               for d in make_dialogues(make_scene(seed), 8, 0.5) for t in d]
    print(len(vocabulary), "pieces; mean tokens of a prompt and an answer:", [sum(c) / len(c) for c in zip(*lengths)], len(lengths))


if __name__ == "__main__":
    main()
