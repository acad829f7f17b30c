"""Fragments of names to search for, drawn by a seed that was fixed before anything was tuned."""

import random

SEED = 20261126
NEVER = "qxzjv"


def drawn(names: list[str], how_many: int = 200) -> list[str]:
    """From folded names as they occur, so that what is common is also asked for more often.

    Of ten: three fragments of three letters, three of four to six, two whole words, one pair of
    fragments of the same name, one that hardly any name holds.
    """
    rng = random.Random(SEED)
    return [_fragment(rng, rng.choice(names).split(), place % 10) for place in range(how_many)]


def _fragment(rng: random.Random, words: list[str], kind: int) -> str:
    word = rng.choice(words)
    if kind < 3:
        return _cut(rng, word, 3)
    if kind < 6:
        return _cut(rng, word, rng.randint(4, 6))
    if kind < 8:
        return word
    if kind == 8:
        return " ".join(_cut(rng, word, rng.randint(3, 5)) for word in words[:2])
    return _cut(rng, word, 3) + rng.choice(NEVER) + rng.choice(NEVER)


def _cut(rng: random.Random, word: str, signs: int) -> str:
    start = rng.randint(0, max(len(word) - signs, 0))
    return word[start : start + signs]
