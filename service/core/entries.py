"""What the shop's staff wrote: FAQ entries, and the problems found while reading them."""

from typing import Literal

import msgspec

Match = Literal["meaning", "keyword"]
Action = Literal["answer", "suggest", "handoff", "off"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One FAQ question with its phrasings and its answer.

    `id` is unique in the folder and stands for the entry in records, buttons and traces.
    `question` is the heading, shown on buttons. `phrasings` are messages as customers write them (the heading is not
    repeated there). `bubbles` are the answer as LINE text, one string per bubble, sent word for word; empty only
    where the action needs no answer. `file` and `line` say where the heading stands.
    """

    id: str
    question: str
    phrasings: tuple[str, ...]
    bubbles: tuple[str, ...]
    match: Match = "meaning"
    action: Action = "answer"
    tags: tuple[str, ...] = ()
    file: str
    line: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a FAQ file that is wrong (`error`) or odd but readable (`warning`), in plain words.

    `file` is relative to the FAQ folder, `line` starts at 1. Both languages are always filled.
    """

    file: str
    line: int
    severity: Literal["error", "warning"]
    ja: str
    en: str
