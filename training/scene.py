"""A scene as data: which kinds stand where, at what size and angle, on which background. Seeded; draws nothing.

All lengths are fractions of the picture's side, angles are degrees. The same seed gives the same scene for ever: training and
evaluation both come through `make_scene`.
"""

from dataclasses import dataclass, field

import numpy as np

from kinds import BACKGROUNDS, CATEGORY_OF, KINDS, MAX_OBJECTS, held_out_pair

EVAL_SEED = 1 << 40  # training seeds lie below, evaluation seeds at and above


@dataclass
class Thing:
    kind: int
    x: float
    y: float
    size: float
    angle: float

    @property
    def place(self) -> int:
        """Index into PLACES: the third of the picture that holds the centre, row by row."""
        return min(2, int(self.y * 3)) * 3 + min(2, int(self.x * 3))

    def place_margin(self) -> float:
        """Distance of the centre from the nearest border between thirds."""
        return min(abs(v - third) for v in (self.x, self.y) for third in (1 / 3, 2 / 3))


@dataclass
class Scene:
    seed: int
    background: int
    things: list[Thing] = field(default_factory=list)

    def by_x(self) -> list[int]:
        return sorted(range(len(self.things)), key=lambda i: self.things[i].x)

    def by_y(self) -> list[int]:
        return sorted(range(len(self.things)), key=lambda i: self.things[i].y)

    def count(self, kind: int) -> int:
        return sum(thing.kind == kind for thing in self.things)

    def groups(self) -> list[tuple[int, int]]:
        """(kind, count), ordered by the leftmost member: the order in which answers name things."""
        seen: dict[int, int] = {}
        for index in self.by_x():
            kind = self.things[index].kind
            seen[kind] = seen.get(kind, 0) + 1
        return list(seen.items())


def make_scene(seed: int) -> Scene:
    """Scene of a seed. From EVAL_SEED on, scenes of two or more kinds hold a pair that no training scene holds."""
    rng = np.random.default_rng([seed, 1])
    evaluation = seed >= EVAL_SEED
    scene = Scene(seed, int(rng.integers(len(BACKGROUNDS))))
    kinds = _choose_kinds(rng, int(rng.integers(1, MAX_OBJECTS + 1)), evaluation)
    scene.things = _place(rng, kinds)
    return scene


def _choose_kinds(rng: np.random.Generator, count: int, evaluation: bool) -> list[int]:
    while True:
        kinds: list[int] = []
        for _ in range(count):
            roll = rng.random()
            if kinds and roll < 0.25:
                kinds.append(kinds[int(rng.integers(len(kinds)))])
            elif kinds and roll < 0.5:
                category = CATEGORY_OF[kinds[int(rng.integers(len(kinds)))]]
                kinds.append(int(rng.choice([k for k in range(len(KINDS)) if CATEGORY_OF[k] == category])))
            else:
                kinds.append(int(rng.integers(len(KINDS))))
        held_out = any(held_out_pair(a, b) for i, a in enumerate(kinds) for b in kinds[:i])
        if held_out == (evaluation and len(set(kinds)) > 1):
            return kinds


def _place(rng: np.random.Generator, kinds: list[int]) -> list[Thing]:
    largest = (0.62, 0.5, 0.42, 0.37, 0.34)[len(kinds) - 1]
    smallest = 0.23
    while True:
        things: list[Thing] = []
        for kind in kinds:
            for _ in range(30):
                size = float(rng.uniform(smallest, largest))
                x, y = (float(v) for v in rng.uniform(size * 0.46, 1 - size * 0.46, 2))
                if all(np.hypot(x - t.x, y - t.y) > 0.5 * (size + t.size) for t in things):
                    angle = float(rng.uniform(-30, 30)) if rng.random() < 0.8 else float(rng.uniform(-180, 180))
                    things.append(Thing(kind, x, y, size, angle))
                    break
            else:
                break
        if len(things) == len(kinds):
            return things
        largest = max(smallest + 0.01, largest * 0.95)


AMBIGUOUS = -2  # people would not all name the same thing
NOTHING = -1


def neighbour(scene: Scene, index: int, axis: str, step: int) -> int:
    """The thing that people name as left (axis "x", step -1), right ("x", 1), above ("y", -1) or below ("y", 1) of a thing.

    It lies within 45 degrees of the direction, and the way there, along and then across, is the shortest by a tenth of the side
    among the things of other kinds that lie within 63 degrees. Returns its index, NOTHING where no centre lies on that side, or
    AMBIGUOUS for all else.
    """
    other_axis = "y" if axis == "x" else "x"
    here, beside, ahead = scene.things[index], False, []
    for i, thing in enumerate(scene.things):
        along = (getattr(thing, axis) - getattr(here, axis)) * step
        across = abs(getattr(thing, other_axis) - getattr(here, other_axis))
        beside = beside or (i != index and along > -0.06)
        if along > 0.06 and across < 2 * along:
            ahead.append((along + across, across < along, i))
    if not beside:
        return NOTHING
    ahead.sort()
    if not ahead or not ahead[0][1]:
        return AMBIGUOUS
    way, _, nearest = ahead[0]
    rivals = [w for w, _, i in ahead if scene.things[i].kind != scene.things[nearest].kind]
    return AMBIGUOUS if rivals and rivals[0] < way + 0.1 else nearest
