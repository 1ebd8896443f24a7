"""Checks the writer against itself: every answer it writes is judged right, every wrong one wrong, every instruction obeyed.

Run: /usr/bin/python3 training/selfcheck.py
"""

import numpy as np

import instructions
import wordings
from checks import follows, follows_loosely
from dialogue import make_dialogues, make_form_turn
from draw import draw
from forms import COUNTS, LISTS, fill, judge_form
from kinds import BACKGROUNDS, CATEGORIES, KINDS, held_out_pair
from labels import RELATIONS, patch_labels
from questions import CLOSED, judge
from scene import AMBIGUOUS, EVAL_SEED, NOTHING, make_scene, neighbour


def check_tables() -> None:
    names = [w for kind in KINDS for w in (kind.name, kind.plural)]
    assert len(KINDS) >= 60 and len(CATEGORIES) >= 6 and len(set(names)) == len(names)
    closed = {w for words in CLOSED.values() for w in words} | set(BACKGROUNDS)
    said = " ".join(wordings.FILLERS + wordings.WORDS + wordings.PHRASES + instructions.TITLES + instructions.MARKS).lower()
    loose = closed.intersection(said.replace(".", " ").replace("[", " ").replace("]", " ").split())
    assert not loose, f"words of an answer inside a filler: {loose}"
    for trained, held_out in ((wordings.TRAINED, wordings.HELD_OUT), (instructions.TRAINED, instructions.HELD_OUT)):
        for name, options in trained.items():
            assert len(set(options)) >= 8 and not set(options) & set(held_out[name]), name


def check_scenes() -> None:
    for seed in list(range(300)) + list(range(EVAL_SEED, EVAL_SEED + 100)):
        scene = make_scene(seed)
        kinds = {t.kind for t in scene.things}
        pairs = any(held_out_pair(a, b) for a in kinds for b in kinds if a < b)
        assert pairs == (seed >= EVAL_SEED and len(kinds) > 1), seed
        for index, thing in enumerate(scene.things):
            left = neighbour(scene, index, "x", -1)
            if left == NOTHING:
                assert all(o.x > thing.x - 0.06 for i, o in enumerate(scene.things) if i != index)
            elif left != AMBIGUOUS:
                assert scene.things[left].x <= thing.x - 0.06
    picture, owner = draw(make_scene(7), 112)
    again, _ = draw(make_scene(7), 112)
    labels = patch_labels(make_scene(7), owner, 14)
    assert np.array_equal(picture, again) and labels["relations"].shape == (64, len(RELATIONS))


def check_answers() -> None:
    seen: dict[str, int] = {}
    wrong, compared = 0, 0
    previous = []
    for seed in list(range(4000)) + list(range(EVAL_SEED, EVAL_SEED + 500)):
        scene = make_scene(seed)
        turns = [turn for dialogue in make_dialogues(scene, 4, 0.5) for turn in dialogue]
        for turn in turns:
            assert judge(turn.question, turn.answer), (seed, turn)
            seen[turn.question.topic] = seen.get(turn.question.topic, 0) + 1
            if turn.task is not None:
                assert follows(turn.task, turn.answer) and follows_loosely(turn.task, turn.answer), (seed, turn.prompt, turn.answer)
                key = f"task {turn.task['task']}"
                seen[key] = seen.get(key, 0) + 1
            for other in previous:
                if other.prompt == turn.prompt and other.question.need != turn.question.need and turn.question.topic != "exist":
                    compared += 1
                    wrong += judge(turn.question, other.answer)
        previous = (turns + previous)[:200]
    assert all(f"task {n}" in seen for n in range(1, 17)) and len(seen) == 16 + 9, seen
    assert wrong <= compared * 0.02, f"{wrong} of {compared} answers to another scene were judged right"
    print("answers judged:", seen, "| answers to other scenes judged right:", wrong, "of", compared)


def check_forms() -> None:
    seen: dict[str, int] = {}
    for seed in list(range(2000)) + list(range(EVAL_SEED, EVAL_SEED + 500)):
        scene = make_scene(seed)
        turn = make_form_turn(scene, np.random.default_rng([seed, 3]))
        form = turn.form
        assert judge_form(form, turn.answer) and 1 <= len(form.fields) <= 3, (seed, turn)
        assert not form.named or all(name in turn.prompt for name in form.fields), turn.prompt
        lists = [value for name, value in form.fields.items() if name in LISTS]
        counts = [value for name, value in form.fields.items() if name in COUNTS]
        assert len(lists) < 2 or not counts
        assert all(value == (len(lists[0]) if lists else len(scene.things)) for value in counts), (seed, turn)
        for text in ("", "null", "[]", turn.answer[:-1], f"{turn.answer}.", turn.answer.replace("{", '{"more": 1, ')):
            assert not judge_form(form, text), text
        for value in form.fields.values():
            key = type(value).__name__ if value != [] else "empty list"
            seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 5, seen
    two_dogs = next(s for s in map(make_scene, range(10_000)) if [KINDS[t.kind].name for t in s.things] == ["dog", "dog"])
    assert fill(two_dogs, ["animals", "count", "dogs", "dog", "cats", "cat", "foods"]) == {
        "animals": ["dog", "dog"], "count": 2, "dogs": 2, "dog": True, "cats": 0, "cat": False, "foods": []}
    print("values of forms:", seen)


if __name__ == "__main__":
    check_tables()
    check_scenes()
    check_answers()
    check_forms()
    print("all consistent")
