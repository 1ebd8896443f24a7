"""Asks an exported folder the questions of a drawn evaluation set, greedily, in PyTorch: a check of the training.

The published numbers come from the engine in the browser, not from here. python evaluate.py MODEL SET [--pictures N].
`--forms N` asks for forms of N held-out scenes instead, whose fields the prompt names. Rows recompute their whole text every step: slow and simple.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import questions
from checks import follows, follows_loosely
from decoder import Decoder
from dialogue import make_form_turn
from draw import draw
from export import from_hugging_face
from forms import LISTS, judge_form
from packing import prefix_ids, prompt_ids
from questions import Question
from scene import EVAL_SEED, make_scene
from tokenizer import EOS, IMAGE, Tokenizer
from train_decoder import budget_of
from vision import SIDE, Encoder

SETTINGS = [(64, 0.0), (64, 0.6), (32, 0.0), (32, 0.6), (16, 0.6), (8, 0.6)]
LIMIT = 80
FORM_SEED, FORMS_OF_SCENE = EVAL_SEED + (1 << 28), 6


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, info in header.items():
        start, end = (8 + length + o for o in info["data_offsets"])
        found[name] = torch.from_numpy(np.frombuffer(data[start:end], np.float16).astype(np.float32).reshape(info["shape"]))
    return found


@torch.no_grad()
def answer(encoder: Encoder, decoder: Decoder, tokenizer: Tokenizer, picture: np.ndarray, prompts: list[str], tokens: int, ratio: float) -> list[str]:
    """Greedy answers to all prompts on one picture uint8 [3, S, S]."""
    prefix = prefix_ids(tokenizer)
    features = encoder(torch.from_numpy(picture[None]), budget_of(tokens))[:, 1:]
    kept = decoder.read_image(prefix, decoder.project(features))
    kept = [(k.expand(len(prompts), -1, -1, -1), v.expand(len(prompts), -1, -1, -1)) for k, v in kept]
    rows = [prompt_ids(tokenizer, p, True) for p in prompts]
    starts = [len(r) for r in rows]
    end = tokenizer.vocabulary[EOS]
    open_rows = set(range(len(rows)))
    for _ in range(LIMIT):
        length = max(map(len, rows))
        ids = torch.tensor([r + [end] * (length - len(r)) for r in rows])
        positions = torch.arange(length).expand(len(rows), -1)
        mask = torch.full((length, length), -1e9).triu(1).expand(len(rows), 1, -1, -1)
        last = torch.tensor([i * length + len(r) - 1 for i, r in enumerate(rows)])
        logits = decoder.read_text(ids, positions, mask, kept, len(prefix), ratio, last)
        logits[:, tokenizer.vocabulary[IMAGE]] = -torch.inf
        for i, token in enumerate(logits.argmax(1).tolist()):
            if i in open_rows:
                if token == end:
                    open_rows.remove(i)
                else:
                    rows[i].append(token)
        if not open_rows:
            break
    return [tokenizer.decode(r[s:]).strip() for r, s in zip(rows, starts)]


def form_scores(encoder: Encoder, decoder: Decoder, tokenizer: Tokenizer, scenes: int, tokens: int, ratio: float, show: int) -> dict[str, list[bool]]:
    """Which forms are right to the last value; "list and count" are those with a list and its count."""
    scores: dict[str, list[bool]] = {}
    for seed in range(FORM_SEED, FORM_SEED + scenes):
        scene, rng = make_scene(seed), np.random.default_rng([seed, 7])
        turns = [turn for turn in (make_form_turn(scene, rng) for _ in range(FORMS_OF_SCENE)) if turn.form.named]
        picture = draw(scene, SIDE)[0].transpose(2, 0, 1).copy()
        for turn, said in zip(turns, answer(encoder, decoder, tokenizer, picture, [t.prompt for t in turns], tokens, ratio) if turns else []):
            right = judge_form(turn.form, said)
            keys = ["forms", f"{len(scene.things)} things"]
            if any(name in LISTS for name in turn.form.fields) and any(type(value) is int for value in turn.form.fields.values()):
                keys += ["list and count", f"list and count, {len(scene.things)} things"]
            for key in keys:
                scores.setdefault(key, []).append(right)
            if not right and show > 0:
                show -= 1
                print(f"{turn.prompt!r}: {said!r}, not {turn.answer!r}")
    return scores


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--settings", type=int, default=len(SETTINGS))
    parser.add_argument("--forms", type=int, default=0, help="ask for forms of so many held-out scenes")
    parser.add_argument("--show", type=int, default=0, help="print so many wrong answers of the first setting")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.load(args.model / "tokenizer.json")
    encoder, decoder = Encoder(), Decoder(len(tokenizer.vocabulary))
    encoder_state, decoder_state = from_hugging_face(read_safetensors(args.model / "model.safetensors"))
    encoder.load_state_dict(encoder_state)
    decoder.load_state_dict(decoder_state)
    data = json.loads((args.set / "eval.json").read_text())
    questions.CLOSED.update(data["closed"])
    shown = 0
    for tokens, ratio in SETTINGS[: args.settings]:
        scores: dict[str, list[bool]] = form_scores(encoder, decoder, tokenizer, args.forms, tokens, ratio, args.show) if args.forms else {}
        for item in [] if args.forms else data["items"][: args.pictures]:
            picture = np.asarray(Image.open(args.set / item["image"]).convert("RGB")).transpose(2, 0, 1).copy()
            asked = item["questions"]
            for q, said in zip(asked, answer(encoder, decoder, tokenizer, picture, [q["prompt"] for q in asked], tokens, ratio)):
                question = Question(q["topic"], q["prompt"], [], q["need"], q["only"], [], q["allow"])
                right = questions.judge(question, said)
                if q["task"] is None:
                    scores.setdefault(q["topic"], []).append(right)
                    scores.setdefault("questions", []).append(right)
                    scores.setdefault(f"{len(item['things'])} things", []).append(right)
                else:
                    obeyed = follows(q["task"], said)
                    right = right and obeyed if shown < args.show else obeyed
                    scores.setdefault(f"task {q['task']['task']}", []).append(obeyed)
                    scores.setdefault("instructions", []).append(obeyed)
                    scores.setdefault("instructions, loose", []).append(follows_loosely(q["task"], said))
                if not right and shown < args.show:
                    shown += 1
                    print(f"{q['prompt']!r}: {said!r}, not {q['reference']!r}")
        table = {key: round(100 * float(np.mean(v)), 1) for key, v in sorted(scores.items())}
        print(json.dumps({"tokens": tokens, "inhibition": ratio, **table}), flush=True)


if __name__ == "__main__":
    main()
