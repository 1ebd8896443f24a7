"""Forms: answers in JSON, one to three fields whose names say what stands in them. No pixels, no tokens.

A prompt names the fields, or it does not: then a grammar gives them, as the engine's does for a JSON schema. The fields:

* a category, "things" or "objects": names, one for each thing, in the order of sentences, so that two dogs stand there twice;
* "count", "number" or "total": the length of the form's list; of a form without a list, the number of all things;
* a category's singular, "thing" or "object": the name of the only one, asked only where there is one;
* the name of a kind: whether it is there; its plural: how many of it;
* "background": its name.
"""

import json
from dataclasses import dataclass

import numpy as np

import instructions
from kinds import BACKGROUNDS, CATEGORIES, CATEGORY_OF, KINDS
from questions import join
from scene import Scene
from wordings import HELD_OUT, PICTURES, TRAINED

Value = list[str] | str | int | bool
EVERYTHING, COUNTS, ONLY_THING = ["things", "objects"], ["count", "number", "total"], ["thing", "object"]
_CATEGORY = {name: at for at, name in enumerate(CATEGORIES)}
_SINGULAR = {name[:-1]: at for name, at in _CATEGORY.items() if name != "clothes"}
_KIND, _MANY = ({getattr(kind, key): at for at, kind in enumerate(KINDS)} for key in ("name", "plural"))
LISTS = [*CATEGORIES, *EVERYTHING]
FIELD_COUNTS = [0.25, 0.5, 0.25]  # shares of forms of one, two and three fields


@dataclass
class Form:
    fields: dict[str, Value]
    named: bool  # whether the prompt names the fields

    @property
    def text(self) -> str:
        """JSON on one line with the blanks that the engine's grammar asks for (src/grammar/json-rules.ts)."""
        return json.dumps(self.fields)


def judge_form(form: Form, answer: str) -> bool:
    """Strict: JSON with these fields and values; a list may have another order."""
    try:
        found = json.loads(answer)
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() == form.fields.keys() and all(_same(found[name], value) for name, value in form.fields.items())


def _same(found: object, value: Value) -> bool:
    if isinstance(value, list):
        return isinstance(found, list) and sorted(map(str, found)) == sorted(value)
    return type(found) is type(value) and found == value


def fill(scene: Scene, names: list[str]) -> dict[str, Value]:
    """The fields of these names, filled from the scene."""
    lists = [name for name in names if name in LISTS]
    return {name: _value(scene, name, lists) for name in names}


def _value(scene: Scene, name: str, lists: list[str]) -> Value:
    if name in LISTS:
        return _names(scene, _CATEGORY.get(name))
    if name in COUNTS:
        return len(_names(scene, _CATEGORY.get(lists[0]) if lists else None))
    if name in _SINGULAR or name in ONLY_THING:
        return _names(scene, _SINGULAR.get(name))[0]
    if name in _KIND:
        return scene.count(_KIND[name]) > 0
    return scene.count(_MANY[name]) if name in _MANY else BACKGROUNDS[scene.background]


def _names(scene: Scene, category: int | None) -> list[str]:
    return [KINDS[kind].name for kind, count in scene.groups() if category in (None, CATEGORY_OF[kind]) for _ in range(count)]


def ask_form(scene: Scene, rng: np.random.Generator, held_out: bool) -> tuple[str, Form]:
    """A prompt and its form. Three prompts in ten do not name the fields."""
    names = _choose(scene, rng)
    form = Form(fill(scene, names), rng.random() < 0.7)
    wordings, slots = HELD_OUT if held_out else TRAINED, {"pic": _pick(rng, PICTURES), "fields": join(names)}
    slots["types"] = f"{{ {', '.join(f'{name}: {_type(value)}' for name, value in form.fields.items())} }}"
    lists = [name for name in names if name in LISTS]
    topic = "what"
    if lists and lists[0] in CATEGORIES:
        slots["class"], topic = lists[0], _pick(rng, ["category", "list"])
    if not form.named:
        topic = _pick(rng, [topic, topic, "blank", "describe"])
        prompt = _pick(rng, wordings[topic]).format(**slots)
        as_json = _pick(rng, (instructions.HELD_OUT if held_out else instructions.TRAINED)["9"])
        return f"{prompt} {as_json}" if rng.random() < 0.3 else prompt, form
    prompt = _pick(rng, wordings["form"]).format(**slots)
    return (f"{_pick(rng, wordings[topic]).format(**slots)} {prompt}" if rng.random() < 0.35 else prompt), form


def _choose(scene: Scene, rng: np.random.Generator) -> list[str]:
    """Names of fields: mostly a list, often with its count, then others."""
    count = 1 + int(rng.choice(3, p=FIELD_COUNTS))
    names = [_list_name(scene, rng)] if rng.random() < 0.8 else []
    if len(names) < count and rng.random() < 0.6:
        names.append(_pick(rng, [COUNTS[0], COUNTS[0], *COUNTS]))
    while len(names) < count:
        name = _other(scene, rng, any(name in COUNTS for name in names))
        if name not in names:
            names.append(name)
    return [names[i] for i in rng.permutation(len(names))] if rng.random() < 0.6 else names


def _list_name(scene: Scene, rng: np.random.Generator) -> str:
    if rng.random() < 0.2:
        return _pick(rng, EVERYTHING)
    if rng.random() < 0.75:
        return CATEGORIES[CATEGORY_OF[_pick(rng, scene.things).kind]]
    return _pick(rng, CATEGORIES)


def _other(scene: Scene, rng: np.random.Generator, counted: bool) -> str:
    """One more field; no second list beside a count, which would leave open what is counted."""
    ones = [name for name, at in _SINGULAR.items() if len(_names(scene, at)) == 1] + (ONLY_THING if len(scene.things) == 1 else [])
    kind = _pick(rng, scene.things).kind if rng.random() < 0.6 else int(rng.integers(len(KINDS)))
    options = ["background", KINDS[kind].name, KINDS[kind].plural] + ([] if counted else [_list_name(scene, rng)]) + ([_pick(rng, ones)] if ones else [])
    return _pick(rng, options)


def _type(value: Value) -> str:
    return {list: "string[]", str: "string", int: "number", bool: "boolean"}[type(value)]


def _pick(rng: np.random.Generator, options: list):
    return options[int(rng.integers(len(options)))]
