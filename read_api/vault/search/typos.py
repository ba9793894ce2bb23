"""Words as they may have been meant: one slip of the finger away."""

from __future__ import annotations

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "αβγδεζηθικλμνξοπρσςτυφχψω",
)
# In shorter words every slip is another word; longer ones and more of them make endless queries.
SHORTEST, LONGEST, MOST_WORDS = 4, 20, 6


def meant(word: str) -> list[str]:
    """The word, and all that one letter missing, added, wrong or in its neighbour's place makes.

    A number is only itself: each slip would be another one. About 54 for each letter; a look into
    the text index for each costs some 3 µs.
    """
    if not SHORTEST <= len(word) <= LONGEST or not word.isalpha():
        return [word]
    letters = next((each for each in _ALPHABETS if any(c in each for c in word)), "")
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {word}
    for head, tail in cuts:
        if tail:
            found.add(head + tail[1:])
            found |= {head + letter + tail[1:] for letter in letters}
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
        found |= {head + letter + tail for letter in letters}
    return sorted(found)
