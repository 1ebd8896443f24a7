"""Checks what training and measurement rest on; needs no projector and no trained state.

python training/claim/selfcheck.py [--model]
Without --model: inhibition against nested loops, at once and row by row; the choice of `diverse`; items and examples. With it: greedy
answers against float64 references where `../shared` has them, and packed conversations against one sequence each.
"""

import json
import sys

import torch

from projector import HERE, PATCHES, Projector

from checks import follows
from vision import WIDTH

from conversation import Tokens, make_batch, prefix_text
from language import Inhibition, Language
from reductions import _diverse, parse
from tasks import TASKS, make_example, make_item

LAYERS = 5
REFERENCE = HERE.parents[2] / "shared/real/smollm2-135m/reference.json"


def loops(weights: torch.Tensor, start: int, end: int, count: int) -> torch.Tensor:
    """Inhibited weights [H, T, K] of T = K rows, by the formula."""
    heads, rows, _ = weights.shape
    mean = [[sum(float(weights[h, j, k]) for h in range(heads)) / heads for k in range(rows)] for j in range(rows)]
    out = weights.clone()
    for j in range(end, rows):
        focus = [mean[j][k] + sum(mean[j][h] * mean[h][k] for h in range(end, j)) for k in range(start, end)]
        cut = sorted(focus)[count]
        gone = [start + i for i, value in enumerate(focus) if value < cut]
        out[:, j, gone] = 0
        out[:, j] /= out[:, j].sum(1, keepdim=True)
    return out


def check_inhibition(seed: int) -> None:
    torch.manual_seed(seed)
    start, end, rows = 3, 10, 16
    logits = torch.randn(1, 4, rows, rows, dtype=torch.float64) * 2
    weights = (logits + torch.full((rows, rows), -1e9, dtype=torch.float64).triu(1)).softmax(-1)
    for ratio in (0.6, 1.0):
        for layer in range(LAYERS):
            whole, steps = Inhibition(start, end, ratio), Inhibition(start, end, ratio)
            whole.seen = [torch.zeros(1, 0, end - start, dtype=torch.float64) for _ in range(LAYERS)]
            steps.seen = [seen.clone() for seen in whole.seen]
            expected = loops(weights[0], start, end, whole.count(layer, LAYERS))
            got = whole.apply(weights, layer, LAYERS)[0]
            first = steps.apply(weights[:, :, : end + 2, : end + 2], layer, LAYERS)[0]
            later = [steps.apply(weights[:, :, j : j + 1, : j + 1], layer, LAYERS)[0, :, 0] for j in range(end + 2, rows)]
            assert torch.allclose(got, expected, atol=1e-12), f"inhibition of layer {layer} differs from the loops"
            assert torch.allclose(first, expected[:, : end + 2, : end + 2], atol=1e-12)
            for j, row in zip(range(end + 2, rows), later):
                assert torch.allclose(row, expected[:, j, : j + 1], atol=1e-12), f"row {j} differs when decoded alone"
            if layer == LAYERS - 1:
                assert (expected[0, end:, start:end] == 0).any(), "nothing was inhibited"


def check_choices() -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [-1.0, 0.0], [0.9, 0.1]])
    # Distances to the nearest other row: row 3 has the largest (1 to row 2), then row 0 or its like, then row 2.
    assert _diverse(rows, 2).tolist() == [0, 3] and _diverse(rows, 3).tolist() == [0, 2, 3], _diverse(rows, 3)
    assert parse("vmtc-32+cmai").tokens == 32 and parse("vmtc-32+cmai").inhibited and parse("prune-last-16").method == "prune-last"
    for task in TASKS:
        for picture in (0, 40, 99):
            item = make_item(picture, task)
            assert item.task == make_item(picture, task).task, "items are not the same twice"
            make_example(item)


def check_examples() -> None:
    """Every worked example follows its own instruction."""
    import tasks

    for task in TASKS:
        for picture in (0, 25, 50, 75):
            item, seen = make_item(picture, task), []
            original = tasks.write
            tasks.write = lambda rng, drawn, answers: seen.append((drawn, original(rng, drawn, answers))) or seen[-1][1]
            make_example(item)
            tasks.write = original
            drawn, said = seen[-1]
            assert follows(drawn, said), f"task {task}: {said!r}"
            assert drawn != item.task or len(drawn) == 1 or drawn.get("quotes"), f"task {task}: the example has the item's argument"


@torch.no_grad()
def check_model() -> None:
    tokens, language = Tokens(), Language()
    if REFERENCE.exists():
        for case in json.loads(REFERENCE.read_text())["prompts"]:
            wanted = case["greedy"][: next((i for i, token in enumerate(case["greedy"]) if token in (0, 2)), None)]
            ids = torch.tensor(case["ids"])
            before = language.read(case["ids"][:5])
            assert language.answer([], [language.embed(ids)], 48) == [wanted], case["name"]
            assert language.answer([before, before], [language.embed(ids[5:]), language.embed(ids[5:-2])], 48)[0] == wanted, f"{case['name']}, in a batch"
    batch, text = make_batch(tokens, 1 << 37, 2), tokens.encode(prefix_text(1))
    image = Projector(language.width)(torch.randn(2, PATCHES, WIDTH)) * 0.1
    keys = language.read(text)
    past = len(text)
    positions = torch.cat([torch.arange(PATCHES).expand(2, -1), batch.positions + PATCHES], 1) + past
    mask = torch.nn.functional.pad(batch.mask, (past, 0))
    packed = language.learn(torch.cat([image, language.embed(batch.ids)], 1), positions, mask, keys)
    starts = [i for i in range(batch.ids.shape[1]) if batch.positions[1, i] == 0 and batch.ids[1, i] != 0]
    for start, end in zip(starts, starts[1:]):
        x = torch.cat([language.embed(torch.tensor([text])), image[1:], language.embed(batch.ids[1:, start:end])], 1)
        plain = language.run(x, torch.arange(x.shape[1])[None], None)[0, past + PATCHES :]
        found = packed[1, PATCHES + start : PATCHES + end]
        error = float((plain - found).square().sum() / plain.square().sum())
        assert error < 1e-9, f"conversation at {start}: NMSE {error:.1e}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed in range(8):  # one alone may not tell whether a row counts itself
        check_inhibition(seed)
    check_choices()
    check_examples()
    if "--model" in sys.argv:
        check_model()
    print("all checks passed" + ("" if "--model" in sys.argv else "; --model checks the language model too"))
