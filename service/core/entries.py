"""What the shop's staff wrote: FAQ entries, and the problems found while reading them."""

from datetime import date
from typing import Literal

import msgspec

Match = Literal["meaning", "keyword"]
Action = Literal["answer", "suggest", "handoff", "off"]


class ImageBubble(msgspec.Struct, frozen=True):
    """A picture as a bubble of its own.

    `name` is made of the file's content and is what it is served under (`/img/<name>`), `preview` the same for what is
    shown first; `path` is where it lies in the FAQ folder, `alt` what is sent in words where pictures cannot be.
    """

    name: str
    preview: str
    path: str
    alt: str


# One bubble of an answer: LINE text, or a picture.
Bubble = str | ImageBubble


class ImageFile(msgspec.Struct, frozen=True):
    """What the reader must know of a picture's file: its size in bytes, and by its first bytes what it is.

    `name` and `preview` as in ImageBubble. `kind` is "" for what is neither JPEG nor PNG, or broken.
    """

    name: str
    preview: str
    kind: Literal["jpg", "png", ""]
    size: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One FAQ question with its phrasings and its answer.

    `id` is unique in the folder and stands for the entry in records, buttons and traces.
    `question` is the heading, shown on buttons. `phrasings` are messages as customers write them (the heading is not
    repeated there). `bubbles` are the answer, sent word for word; empty only where the action needs no answer.
    `placeholders` are the names in braces that they hold, each once (service/core/placeholders.py fills them).

    It holds from `valid_from` to `valid_until`, both inclusive, in the shop's time zone; `review_by` is when somebody
    wants to read it again. `lang` is a language code ("" when the file does not say). `ask` is what a booking must
    tell. `urgent` alerts at any hour, a `quiet` entry is not answered while a handoff waits, a `private` one is shown
    to no model. `file` and `line` say where the heading stands.
    """

    id: str
    question: str
    phrasings: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    match: Match = "meaning"
    action: Action = "answer"
    tags: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    review_by: date | None = None
    lang: str = ""
    ask: tuple[str, ...] = ()
    urgent: bool = False
    quiet: bool = False
    private: bool = False
    file: str
    line: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a FAQ file that is wrong (`error`) or odd but readable (`warning`), in plain words.

    `file` is relative to the FAQ folder, `line` starts at 1. Both languages are always filled. `is_mendable`: `faq
    check --fix` writes it as it should be.
    """

    file: str
    line: int
    severity: Literal["error", "warning"]
    ja: str
    en: str
    is_mendable: bool = False


def words_of(bubble: Bubble) -> str:
    """What a bubble says in words: of a picture, its description."""
    return bubble.alt if isinstance(bubble, ImageBubble) else bubble
