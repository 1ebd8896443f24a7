"""Draws the held-out evaluation set into a folder: PNG pictures at the model's size and eval.json. The one set for both sides:
evaluate.py (PyTorch) and the evaluation in the browser read the same files.

python draw_eval.py FOLDER [--pictures 128]. Seeds, pairs of kinds (in pictures of two or more) and wordings were never trained
on. Each picture is asked once on every topic it settles, and six times with an instruction; the sixteen tasks take turns.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from dialogue import Turn, make_turn
from draw import draw
from kinds import BACKGROUNDS, KINDS
from questions import CLOSED, TOPICS
from scene import EVAL_SEED, make_scene
from vision import SIDE

INSTRUCTED = 6


def entry(turn: Turn) -> dict:
    question = turn.question
    return {"topic": question.topic, "prompt": turn.prompt, "need": question.need, "only": question.only, "allow": question.allow,
            "task": turn.task, "reference": turn.answer}


def ask_all(seed: int, picture: int) -> list[dict]:
    scene = make_scene(seed)
    rng = np.random.default_rng([seed, 5])
    entries = []
    for topic in TOPICS:
        turn = make_turn(scene, rng, 0, topic)
        if turn.question.topic == topic:  # a topic the scene does not settle falls back to another one
            entries.append(entry(turn))
    for slot in range(INSTRUCTED):
        wanted = (picture * INSTRUCTED + slot) % 16 + 1
        while True:
            turn = make_turn(scene, rng, 1)
            if turn.task["task"] == wanted:
                break
        entries.append(entry(turn))
    return entries


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=128)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    items = []
    for picture in range(args.pictures):
        seed = EVAL_SEED + picture
        scene = make_scene(seed)
        name = f"{picture:04}.png"
        Image.fromarray(draw(scene, SIDE)[0]).save(args.folder / name, optimize=True)
        things = [{"kind": KINDS[t.kind].name, "x": round(t.x, 3), "y": round(t.y, 3), "size": round(t.size, 3)} for t in scene.things]
        items.append({"image": name, "background": BACKGROUNDS[scene.background], "things": things, "questions": ask_all(seed, picture)})
    lines = ",\n".join(json.dumps(item) for item in items)
    (args.folder / "eval.json").write_text(f'{{"closed": {json.dumps(CLOSED)},\n"items": [\n{lines}\n]}}\n')
    asked = [q for item in items for q in item["questions"]]
    print(len(items), "pictures,", sum(q["task"] is None for q in asked), "questions,", sum(q["task"] is not None for q in asked), "instructed")


if __name__ == "__main__":
    main()
