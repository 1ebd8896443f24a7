"""Conversations about a scene: questions, half of them with an instruction, or forms, and answers; the unit that training packs and
evaluation asks. No pixels, no tokens."""

from dataclasses import dataclass

import numpy as np

from forms import Form, ask_form
from instructions import draw_instruction, write
from questions import TOPICS, Question, ask
from scene import EVAL_SEED, Scene

_NAMES, _WEIGHTS = list(TOPICS), np.array(list(TOPICS.values())) / sum(TOPICS.values())


@dataclass
class Turn:
    question: Question
    prompt: str
    answer: str
    task: dict | None  # the instruction, if any
    form: Form | None = None


def make_turn(scene: Scene, rng: np.random.Generator, instructed: float, topic: str | None = None) -> Turn:
    """One question on the scene with one right answer; held-out wordings for evaluation scenes."""
    held_out = scene.seed >= EVAL_SEED
    state = rng.integers(1 << 62)
    question = None
    while question is None:
        name = topic or _NAMES[int(rng.choice(len(_NAMES), p=_WEIGHTS))]
        state = rng.integers(1 << 62)
        question = ask(scene, np.random.default_rng(state), name, held_out)
        topic = topic if question is not None else None
    if rng.random() >= instructed:
        options = question.brief if question.brief and rng.random() < 0.3 else question.answers
        return Turn(question, question.text, options[int(rng.integers(len(options)))], None)
    task, wording = draw_instruction(rng, question.answers, held_out)
    if task["task"] == 1:  # the same question, its answers without commas
        question = ask(scene, np.random.default_rng(state), name, held_out, commas=False)
    first = rng.random() < 0.15 and wording[-1] in ".!?" and task["task"] not in (15, 16)
    prompt = f"{wording} {question.text}" if first else f"{question.text} {wording}"
    return Turn(question, prompt, write(rng, task, question.answers), task)


def make_form_turn(scene: Scene, rng: np.random.Generator) -> Turn:
    """A form to fill in; held-out wordings for evaluation scenes."""
    prompt, form = ask_form(scene, rng, scene.seed >= EVAL_SEED)
    return Turn(Question("form", prompt, [form.text], [], "kinds"), prompt, form.text, None, form)


def make_dialogues(scene: Scene, count: int, instructed: float, forms: float = 0.0) -> list[list[Turn]]:
    """`count` conversations of one turn, one in eight of two (half of these describe the picture first).
    `forms` is the share of them that ends with a form."""
    rng = np.random.default_rng([scene.seed, 3])
    dialogues = []
    for _ in range(count):
        turns = []
        if rng.random() < 0.125:
            turns.append(make_turn(scene, rng, 0, "describe" if rng.random() < 0.5 else None))
        is_form = forms > 0 and rng.random() < forms  # without forms, the same random numbers as before there were any
        dialogues.append(turns + [make_form_turn(scene, rng) if is_form else make_turn(scene, rng, instructed)])
    return dialogues
