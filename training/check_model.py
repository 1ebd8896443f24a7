"""Checks of the model code that need no training: packing changes nothing, compression and inhibition follow their rules.

python check_model.py RUNS [KMEANS_JSON]. RUNS holds tokenizer.json; the optional file holds K-Means cases (rows, clusters, labels)
to compare with. Random weights, fixed seeds.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from decoder import LAYERS, inhibition_counts
from packing import LENGTH
from scene import EVAL_SEED
from tokenizer import PAD, Tokenizer
from train_decoder import PATCHES, Model, budget_of, make_batch
from vmtc import kmeans


@torch.no_grad()
def check_packing(tokenizer: Tokenizer) -> None:
    """The logits of a conversation packed among others are those of the conversation alone, with both modules on."""
    model = Model(tokenizer)
    for p in model.decoder.parameters():
        p.add_(torch.randn_like(p) * 0.05)
    batch = make_batch(tokenizer, 0, EVAL_SEED, 3)
    packed, _ = model.logits(batch, budget_of(24), 0.6, True)
    width = batch["ids"].shape[1]
    for picture in range(3):
        owner = batch["owner"][picture]
        rows_of_picture = [(i, r - picture * width) for i, r in enumerate(batch["rows"]) if r // width == picture]
        for conversation in range(owner.max() + 1):
            place = np.where(owner == conversation)[0]
            if not len(place):
                continue
            alone = {"pixels": batch["pixels"][picture : picture + 1], "ids": np.full((1, LENGTH), tokenizer.vocabulary[PAD]),
                     "positions": np.zeros((1, LENGTH), np.int64), "owner": np.full((1, LENGTH), -1)}
            alone["ids"][0, : len(place)] = batch["ids"][picture][place]
            alone["positions"][0, : len(place)] = np.arange(len(place))
            alone["owner"][0, : len(place)] = 0
            chosen = [(i, r - place[0]) for i, r in rows_of_picture if owner[r] == conversation]
            alone["rows"] = np.array([r for _, r in chosen])
            single, _ = model.logits(alone, budget_of(24), 0.6, True)
            assert torch.allclose(single, packed[[i for i, _ in chosen]], atol=1e-4), (picture, conversation)


@torch.no_grad()
def check_compression(tokenizer: Tokenizer) -> None:
    model = Model(tokenizer)
    pixels = torch.from_numpy(make_batch(tokenizer, 0, EVAL_SEED, 2)["pixels"])
    plain = model.encoder(pixels)
    assert torch.equal(plain, model.encoder(pixels, budget_of(PATCHES))), "a full budget must change nothing"
    for tokens in (1, 7, 16, 32, 63):
        assert model.encoder(pixels, budget_of(tokens)).shape[1] == tokens + 1, tokens
    assert inhibition_counts(32, 0.0) == [0] * LAYERS and inhibition_counts(32, 0.6)[-1] == 19


def check_kmeans(path: Path) -> None:
    cases = json.loads(path.read_text())
    for index, case in enumerate(cases):
        labels = kmeans(torch.tensor(case["rows"], dtype=torch.float64)[None], case["clusters"], case["rounds"])[0].tolist()
        assert labels == case["labels"], f"case {index}, {case['kind']}"
    print(len(cases), "K-Means cases agree")


def main() -> None:
    tokenizer = Tokenizer.load(Path(sys.argv[1]) / "tokenizer.json")
    check_packing(tokenizer)
    check_compression(tokenizer)
    if len(sys.argv) > 2:
        check_kmeans(Path(sys.argv[2]))
    print("model code consistent")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    main()
