"""Writes added.json: ids that Hugging Face's `tokenizers` (Rust) gives to texts made of added tokens of every kind.

    python -m venv venv && venv/bin/pip install tokenizers==0.23.3 && venv/bin/python make.py
"""

import itertools
import json
import random
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

NORMALIZERS = {
    "none": None,
    "llama": normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
    "lowercase": normalizers.Lowercase(),
    "nfkc": normalizers.NFKC(),
}
CHARACTERS = ["<unk>", *"abxyzABo0_.-<>|▁ \n\té", "Ａ", "ﬁ", "f", "i"]
CONTENTS = ["<A>", "ab", "<ﬁ>", "x y"]
PIECES = [*CONTENTS, "<a>", "AB", " ", "  ", "\n", "a", "0", "_", ".", "é", "z<A>", "<A", ">", "x", "y"]


def tokenizers():
    flags = itertools.product([False, True], repeat=4)
    for index, (single_word, lstrip, rstrip, normalized) in enumerate(flags):
        for offset, (name, normalizer) in enumerate(NORMALIZERS.items()):
            tokenizer = Tokenizer(models.BPE({character: i for i, character in enumerate(CHARACTERS)}, [], unk_token="<unk>"))
            if normalizer:
                tokenizer.normalizer = normalizer
            if offset % 2:
                tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
            # The flags of the first two tokens; the others take the opposite of some.
            tokenizer.add_tokens([
                AddedToken(CONTENTS[0], single_word=single_word, lstrip=lstrip, rstrip=rstrip, normalized=normalized),
                AddedToken(CONTENTS[1], single_word=single_word, lstrip=rstrip, rstrip=lstrip, normalized=normalized),
                AddedToken(CONTENTS[2], normalized=not normalized),
                AddedToken(CONTENTS[3], normalized=normalized, rstrip=bool(index % 2)),
            ])
            yield tokenizer


def main():
    random.seed(7)
    texts = ["".join(pair) for pair in itertools.product(CONTENTS, CONTENTS)]
    texts += ["".join(random.choices(PIECES, k=random.randint(1, 7))) for _ in range(60)]
    cases = [
        {"tokenizer": json.loads(tokenizer.to_str()), "ids": [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]}
        for tokenizer in tokenizers()
    ]
    text = json.dumps({"texts": texts, "cases": cases}, ensure_ascii=False, separators=(",", ":"))
    Path(__file__).with_name("added.json").write_text(text + "\n")


main()
