"""What the measurement asks: 16 verifiable instructions on each picture, in two wordings, with one worked example or without.

A seed always gives the same items. Only the caption and the picture change places between settings; all other text is equal.
"""

from dataclasses import dataclass

import numpy as np

from projector import HERE  # noqa: F401  makes the demo's modules importable

from conversation import EXAMPLE_SEED, caption, closing, opening
from instructions import draw_instruction, write
from questions import Question, ask
from scene import EVAL_SEED, Scene, make_scene

TASKS, EXAMPLES = range(1, 17), 4
# A caption settles these.
TOPICS = ["describe", "what", "count", "category", "exist", "background"]
# IFEval's wordings (Zhou et al., 2023), and for the start phrase, which IFEval lacks, that of the end phrase.
IFEVAL = {
    "1": "In your entire response, refrain from the use of any commas.",
    "2": "Your entire response should be in English, and in all lowercase letters. No capital letters are allowed.",
    "3": "Your entire response should be in English, and in all capital letters.",
    "4": "The response must contain at least {n} placeholders represented by square brackets, such as [address].",
    "5": "At the end of your response, please explicitly add a postscript starting with {marker}",
    "6": "Your answer must contain a title, wrapped in double angular brackets, such as <<poem of joy>>.",
    "7": "Include keywords {words} in the response.",
    "8": "Highlight at least {n} sections in your answer with markdown, i.e. *highlighted section*.",
    "9": "Entire output should be wrapped in JSON format. You can use markdown ticks such as ```.",
    "10": "Your response must have {n} sections. Mark the beginning of each section with {word} X, such as:\n{word} 1\n"
          "[content of section 1]\n{word} 2\n[content of section 2]",
    "11": "Your answer must contain exactly {n} bullet points. Use the markdown bullet points such as:\n* This is point 1.\n* This is point 2",
    "12": "Your response should contain {relation} {n} sentences.",
    "13": "Answer with {relation} {n} words.",
    "14": "Give two different responses. Responses and only responses should be separated by 6 asterisk symbols: ******.",
    "15": "Finish your response with this exact phrase: {phrase}\nNo other words should follow this phrase.",
    "16": "Start your response with this exact phrase: {phrase}\nNo other words should come before this phrase.",
    "quotes": "Wrap your entire response with double quotation marks.",
}
LIMITS = {"example": 64, "copied": 64, "direct": 96, "ours": 96}  # new tokens


@dataclass
class Item:
    """One question with an instruction on one picture."""

    picture: int
    scene: Scene
    question: Question
    task: dict
    wordings: dict[str, str]


def _item(picture: int, scene: Scene, task: int, rng: np.random.Generator, other: dict | None = None) -> Item:
    """`other`: a task whose argument must differ, where the task has one."""
    topic = TOPICS[int(rng.integers(len(TOPICS)))]
    state = int(rng.integers(1 << 62))
    while (question := ask(scene, np.random.default_rng(state), topic, True, commas=task != 1)) is None:
        topic = TOPICS[int(rng.integers(len(TOPICS)))]
    while True:
        drawn, ours = draw_instruction(rng, question.answers, True)
        if drawn["task"] == task and (other is None or drawn != other or len(drawn) == 1 or drawn.get("quotes")):
            break
    if other is not None and task == 16 and drawn.get("quotes", False) != other.get("quotes", False):
        return _item(picture, scene, task, rng, other)  # an example of the same kind
    slots = {**drawn, "words": " and ".join(filter(None, [", ".join(drawn.get("keywords", [])[:-1]), drawn.get("keywords", [""])[-1]]))}
    return Item(picture, scene, question, drawn, {"ifeval": IFEVAL["quotes" if drawn.get("quotes") else str(task)].format(**slots), "ours": ours})


def make_item(picture: int, task: int) -> Item:
    scene = make_scene(EVAL_SEED + picture)
    return _item(picture, scene, task, np.random.default_rng([scene.seed, 11, task]))


def make_example(item: Item) -> tuple[str, str]:
    """Another caption, another argument of the same task, and an answer that follows it."""
    number = item.picture // 25 % EXAMPLES  # neighbours share an example, so that a batch shares its prefix
    scene = make_scene(EXAMPLE_SEED + (1 << 20) + item.task["task"] * EXAMPLES + number)
    rng = np.random.default_rng([scene.seed, 12, int(item.task.get("quotes", False))])
    example = _item(number, scene, item.task["task"], rng, item.task)
    said = write(rng, example.task, example.question.answers)
    return f"{caption(scene)}\n{example.question.text} {example.wordings['ours']}", said


def prompt(item: Item, way: str) -> tuple[str, str]:
    """The texts before and after the picture or caption. Ways: example (one worked example), copied (the same without the
    last instruction), direct (IFEval's wording, no example), ours (our wording, no example)."""
    asked = {"example": f"{item.question.text} {item.wordings['ours']}", "copied": item.question.text,
             "direct": f"{item.question.text} {item.wordings['ifeval']}", "ours": f"{item.question.text} {item.wordings['ours']}"}[way]
    return opening([make_example(item)] if way in ("example", "copied") else []), closing(asked)
