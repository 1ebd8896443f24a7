"""Questions about a scene, their answers, and what any answer must say to count as right. No pixels, no instructions.

An answer is judged by words: every `need` (one of its alternatives) must occur, and no other word of the closed set `only`
may, apart from those in `allow`. The same three lists go into the evaluation's files, so both sides judge alike.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from kinds import BACKGROUNDS, CATEGORIES, CATEGORY_OF, KINDS, NUMBERS, PLACES, counted, with_article
from scene import AMBIGUOUS, NOTHING, Scene, neighbour
from wordings import DIRECTIONS, HELD_OUT, PICTURES, TRAINED

BACKGROUND_PHRASES = ["the sky", "grass", "water", "sand", "the night", "a room", "a gradient", "noise"]
CLOSED = {"kinds": [w for kind in KINDS for w in (kind.name, kind.plural)], "numbers": NUMBERS + ["zero", "none"],
          "places": ["top", "bottom", "left", "right", "middle"], "backgrounds": BACKGROUNDS, "yesno": ["yes", "no"]}
# Weights grow with the difficulty: with .16 each, "where" and "relation" lagged far behind, then lists.
TOPICS = {"what": 0.14, "count": 0.06, "count_kind": 0.09, "exist": 0.1, "where": 0.14, "relation": 0.2, "category": 0.13,
          "background": 0.03, "describe": 0.11}


@dataclass
class Question:
    topic: str
    text: str
    answers: list[str]  # whole sentences, all true, for the writer to choose from
    need: list[list[str]]
    only: str
    brief: list[str] = field(default_factory=list)  # shorter true answers, used only where no instruction asks for more
    allow: list[str] = field(default_factory=list)


def judge(question: Question, answer: str) -> bool:
    """Whether the answer says what it must and nothing that contradicts it."""
    words = re.findall(r"[^\W_]+", answer.lower())
    text = f" {' '.join(words)} "
    if not all(any(f" {option} " in text for option in options) for options in question.need):
        return False
    fine = {w for options in question.need for option in options for w in option.split()} | set(question.allow)
    return all(w in fine for w in words if w in CLOSED[question.only])


def join(items: list[str], commas: bool = True) -> str:
    if len(items) < 2 or not commas:
        return " and ".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def _counted_options(kind: int, count: int) -> list[str]:
    item = KINDS[kind]
    if count == 1:
        return [with_article(item.name), f"one {item.name}", f"1 {item.name}", f"the {item.name}"]
    return [f"{NUMBERS[count]} {item.plural}", f"{count} {item.plural}"]


def _sees(things: str, count: int) -> tuple[list[str], list[str]]:
    verb = "is" if count == 1 else "are"
    return [f"There {verb} {things}.", f"I see {things}.", f"The picture shows {things}."], [things[0].upper() + things[1:] + "."]


def ask(scene: Scene, rng: np.random.Generator, topic: str, held_out: bool, commas: bool = True) -> Question | None:
    """One question on the topic, or None where the scene does not settle any."""
    fields: dict[str, str] = {"pic": _pick(rng, PICTURES)}
    question = _TOPICS[topic](scene, rng, fields, commas)
    if question is not None:
        wording = _pick(rng, (HELD_OUT if held_out else TRAINED)[topic])
        question.text = wording.format(**fields)
    return question


def _pick(rng: np.random.Generator, options: list):
    return options[int(rng.integers(len(options)))]


def _what(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    groups = scene.groups()
    answers, brief = _sees(join([counted(k, n) for k, n in groups], commas), groups[0][1])
    return Question("what", "", answers, [_counted_options(k, n) for k, n in groups], "kinds", brief)


def _count(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    n = len(scene.things)
    word, noun, verb = NUMBERS[n], "object" if n == 1 else "objects", "is" if n == 1 else "are"
    return Question("count", "", [f"There {verb} {word} {noun}.", f"I see {word} {noun}.", f"The picture shows {word} {noun}."],
                    [[word, str(n)]], "numbers", [word.capitalize() + "."])


def _count_kind(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    if rng.random() < 0.35:  # a whole category
        category = CATEGORY_OF[_some_kind(scene, rng, 0.7)]
        n, fields["many"] = sum(CATEGORY_OF[t.kind] == category for t in scene.things), CATEGORIES[category]
        noun = CATEGORIES[category]
    else:
        kind = _some_kind(scene, rng, 0.75)
        n, fields["many"] = scene.count(kind), KINDS[kind].plural
        noun = KINDS[kind].name if n == 1 else KINDS[kind].plural
    if n == 1 and noun == fields["many"]:
        noun = {"clothes": "piece of clothes"}.get(noun, noun[:-1])
    verb, things = "is" if n == 1 else "are", f"{NUMBERS[n]} {noun}"
    need = [[NUMBERS[n], str(n)] + (["zero", "none"] if n == 0 else [])]
    return Question("count_kind", "", [f"There {verb} {things}.", f"I see {things}.", f"The picture shows {things}."], need,
                    "numbers", [things.capitalize() + "."])


def _exist(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    kind = _some_kind(scene, rng, 0.5)
    item, there = KINDS[kind], scene.count(kind) > 0
    fields["a"], fields["many"] = with_article(item.name), item.plural
    thing = counted(kind, 1)
    answers = ([f"Yes, there is {thing}.", f"Yes, I see {thing}."] if there else [f"No, there is no {item.name}.", f"No, I see no {item.name}."])
    if not commas:
        answers = [a.replace(",", "") for a in answers]
    return Question("exist", "", answers, [["yes"] if there else ["no"]], "yesno", ["Yes."] if there else ["No."])


def _where(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question | None:
    fit = [t for t in scene.things if scene.count(t.kind) == 1 and t.place_margin() > 0.04]
    if not fit:
        return None
    thing = _pick(rng, fit)
    name, place = KINDS[thing.kind].name, PLACES[thing.place]
    fields["one"] = name
    words = [w for w in place.split() if w in CLOSED["places"]]
    return Question("where", "", [f"The {name} is {place}.", f"I see the {name} {place}.", f"You find the {name} {place}."],
                    [[w] for w in words], "places", [place.capitalize() + ".", f"It is {place}."])


def _relation(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question | None:
    options = []
    for index, thing in enumerate(scene.things):
        for direction in DIRECTIONS:
            other = neighbour(scene, index, *direction)
            if scene.count(thing.kind) == 1 and other != AMBIGUOUS:
                options.append((index, direction, other))
    found = [o for o in options if o[2] != NOTHING]
    if not options or (found and rng.random() < 0.8):
        options = found
    if not options:
        return None
    index, direction, other = _pick(rng, options)
    fields["left"], fields["one"] = _pick(rng, DIRECTIONS[direction]), KINDS[scene.things[index].kind].name
    towards = f"{fields['left']} the {fields['one']}"
    if other == NOTHING:
        return Question("relation", "", [f"Nothing is {towards}.", f"There is nothing {towards}.", f"I see nothing {towards}."],
                        [["nothing"]], "kinds", ["Nothing."], [fields["one"]])
    name = KINDS[scene.things[other].kind].name
    thing = with_article(name)
    return Question("relation", "", [f"{thing.capitalize()} is {towards}.", f"There is {thing} {towards}.", f"I see {thing} {towards}."],
                    [[name]], "kinds", [thing.capitalize() + ".", f"It is {thing}."], [fields["one"]])


def _category(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    category = CATEGORY_OF[_some_kind(scene, rng, 0.8)]
    fields["class"] = CATEGORIES[category]
    groups = [(k, n) for k, n in scene.groups() if CATEGORY_OF[k] == category]
    if not groups:
        answers, brief = _sees(f"no {fields['class']}", 2)
        return Question("category", "", answers, [["no", "none"]], "kinds", brief)
    answers, brief = _sees(join([counted(k, n) for k, n in groups], commas), groups[0][1])
    return Question("category", "", answers, [_counted_options(k, n) for k, n in groups], "kinds", brief)


def _background(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    phrase = BACKGROUND_PHRASES[scene.background]
    return Question("background", "", [f"The background is {phrase}.", f"It shows {phrase}.", f"I see {phrase} there."],
                    [[BACKGROUNDS[scene.background]]], "backgrounds", [phrase.capitalize() + ".", f"It is {phrase}."])


def _describe(scene: Scene, rng: np.random.Generator, fields: dict[str, str], commas: bool) -> Question:
    question = _what(scene, rng, fields, commas)
    question.topic, question.brief = "describe", []
    question.answers = [f"{a} The background is {BACKGROUND_PHRASES[scene.background]}." for a in question.answers]
    question.need = question.need + [[BACKGROUNDS[scene.background]]]
    return question


def _some_kind(scene: Scene, rng: np.random.Generator, present: float) -> int:
    """A kind of the scene with probability `present`; else an absent one, half of the time from a category that is there."""
    there = _pick(rng, scene.things).kind
    if rng.random() < present:
        return there
    # A small category may be there as a whole.
    absent = any(scene.count(k) == 0 for k in range(len(KINDS)) if CATEGORY_OF[k] == CATEGORY_OF[there])
    alike = rng.random() < 0.5 and absent
    while True:
        kind = int(rng.integers(len(KINDS)))
        if scene.count(kind) == 0 and (not alike or CATEGORY_OF[kind] == CATEGORY_OF[there]):
            return kind


_TOPICS = {"what": _what, "count": _count, "count_kind": _count_kind, "exist": _exist, "where": _where, "relation": _relation,
           "category": _category, "background": _background, "describe": _describe}
