"""How handoffs are found by tag, by who holds them, and by words: one short line for each.

Ten thousand of these lines are looked through in a moment; ten thousand records are not.
"""

import unicodedata
from collections.abc import Iterator

import msgspec

from service.core.records import HandoffRecord

MOST_CHARACTERS = 2000
# Hiragana and katakana are one: names are written in either.
_HIRAGANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}


class Wanted(msgspec.Struct, frozen=True):
    """What somebody looks for; empty means anything. `words` must all occur, in any place."""

    tag: str = ""
    assignee: str = ""
    words: str = ""

    @property
    def anything(self) -> bool:
        """Whether every handoff will do."""
        return not (self.tag or self.assignee or self.words.strip())


ANYTHING = Wanted()


def search_line(handoff: HandoffRecord) -> str:
    """Write the line of a handoff: who holds it, tags between tabs, and what was said, the newest first."""
    text = ""
    for part in _texts(handoff):
        text += f"{_fold(part)} "
        if len(text) > MOST_CHARACTERS:
            break
    tags = "".join(f"\t{_one_line(tag)}" for tag in handoff.tags)
    return f"{_one_line(handoff.assignee or '')}\n{tags}\t\n{text[:MOST_CHARACTERS]}"


class Pattern(msgspec.Struct, frozen=True):
    """What a wanted line looks like: its beginning, a part of its tags, words of its text; empty for any."""

    assignee: str
    tag: str
    words: tuple[str, ...]


def pattern(wanted: Wanted) -> Pattern:
    """Say what the lines of wanted handoffs look like."""
    return Pattern(
        assignee=f"{_one_line(wanted.assignee)}\n" if wanted.assignee else "",
        tag=f"\t{_one_line(wanted.tag)}\t" if wanted.tag else "",
        words=folded_words(wanted.words),
    )


def folded_words(text: str) -> tuple[str, ...]:
    """Cut a text into words, in the one spelling in which words are looked for."""
    return tuple(_fold(text).split())


def fits(line: str, pattern: Pattern) -> bool:
    """Whether a line is one of the wanted."""
    _, tags, text = line.split("\n", 2)
    return line.startswith(pattern.assignee) and pattern.tag in tags and all(word in text for word in pattern.words)


def _texts(handoff: HandoffRecord) -> Iterator[str]:
    yield handoff.nickname or ""
    yield handoff.display_name or ""
    for note in reversed(handoff.notes):
        yield note.text
    for turn in reversed(handoff.turns):
        yield turn.text
        yield from turn.captions


def _fold(text: str) -> str:
    """Make one spelling of many: width, case, kana, white space."""
    short = text[:MOST_CHARACTERS]
    return " ".join(unicodedata.normalize("NFKC", short).casefold().translate(_HIRAGANA).split())


def _one_line(name: str) -> str:
    return " ".join(name.split())
