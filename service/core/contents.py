"""The whole FAQ folder as it is to be served: entries, shop and texts, each file in its last good version.

`faq check`, the running service and its restart all come through here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

import msgspec

from service.core.answers import ImageLookup, no_images
from service.core.entries import Entry, Problem
from service.core.faq import FaqFile, read_file
from service.core.folder import Folder, assemble
from service.core.messagesfile import MESSAGES_FILE, read_messages
from service.core.placeholders import missing_keys
from service.core.shop import DEFAULT_SHOP, Shop
from service.core.shopfile import SHOP_FILE, read_shop
from service.core.spelling import nearest
from service.core.texts import DEFAULT_TEXTS, Texts

T = TypeVar("T")
_IMAGE = re.compile(r"[!！][\[［]")
_NO_LINES: Mapping[str, int] = MappingProxyType({})
_Read = Callable[[str], tuple[T | None, tuple[Problem, ...], Mapping[str, int]]]


class Source(msgspec.Struct, frozen=True):
    """A file as found: its name in the folder (with `/`), its text, or else why it could not be read."""

    name: str
    text: str | None
    problem: Problem | None = None


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What the folder says: `faq` without our own files, `problems` of all of them.

    `good` are the texts of the file versions that are served, by name.
    """

    faq: Folder
    shop: Shop
    texts: Texts
    problems: tuple[Problem, ...]
    good: Mapping[str, str]


NOTHING = Contents(faq=Folder((), (), ()), shop=DEFAULT_SHOP, texts=DEFAULT_TEXTS, problems=(), good={})


def read_contents(sources: Iterable[Source], before: Contents = NOTHING, images: ImageLookup = no_images) -> Contents:
    """Read the folder. A file with errors is served as it was in `before`, or not at all; nothing raises.

    What has not changed since is not read again. `images` is asked for the pictures that answers name.
    """
    found = {source.name: source for source in sources}
    good: dict[str, str] = {}
    shop, shop_problems, shop_lines = _own_file(
        found.get(SHOP_FILE), read_shop, (before.shop, DEFAULT_SHOP), before, good
    )
    texts, texts_problems, texts_lines = _own_file(
        found.get(MESSAGES_FILE), read_messages, (before.texts, DEFAULT_TEXTS), before, good
    )
    known = {file.name: file for file in before.faq.files}
    read = {
        name: _faq_file(source, known, before, images) for name, source in found.items() if not name.startswith("_")
    }
    is_same = read.keys() == known.keys() and all(file is known[name] for name, file in read.items())
    folder = before.faq if read and is_same else assemble(read.values(), before.faq.files)
    for file in folder.files:
        is_new = file is read[file.name]
        good[file.name] = (found[file.name].text or "") if is_new else before.good[file.name]
    problems = {
        *folder.problems,
        *shop_problems,
        *texts_problems,
        *_misnamed(found),
        *_unknown_starters(folder.entries, shop, shop_lines.get("starters", 1)),
        *_holes(folder.entries, texts, shop, texts_lines),
    }
    return Contents(
        faq=folder,
        shop=shop,
        texts=texts,
        problems=tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.en))),
        good=good,
    )


def _own_file(
    source: Source | None, read: _Read[T], kept_or_default: tuple[T, T], before: Contents, good: dict[str, str]
) -> tuple[T, tuple[Problem, ...], Mapping[str, int]]:
    """Read `_shop.yaml` or `_messages.md`: what it says, its problems, its lines; notes the text served in `good`."""
    kept, default = kept_or_default
    if source is None:
        return default, (), _NO_LINES
    value, problems, lines = read(source.text) if source.text is not None else (None, (), _NO_LINES)
    if value is not None and source.text is not None:
        good[source.name] = source.text
        return value, problems, lines
    if source.name in before.good:
        good[source.name] = before.good[source.name]
    return kept, (*problems, *([source.problem] if source.problem else ())), _NO_LINES


def _faq_file(source: Source, known: Mapping[str, FaqFile], before: Contents, images: ImageLookup) -> FaqFile:
    if source.text is None:
        return FaqFile(source.name, (), tuple(filter(None, [source.problem])))
    is_same_text = source.name in known and before.good.get(source.name) == source.text
    if is_same_text and not _IMAGE.search(source.text):
        return known[source.name]
    file = read_file(source.name, source.text, images)
    # A picture may have changed where the text has not.
    return known[source.name] if is_same_text and file == known[source.name] else file


def _misnamed(names: Iterable[str]) -> Iterator[Problem]:
    """`_shop.yml`, `_message.md`, `_shop.yaml.txt`: would be passed over without a word."""
    for name in names:
        stem = name.partition(".")[0].rstrip("s")
        meant = {"_shop": SHOP_FILE, "_message": MESSAGES_FILE}.get(stem)
        if meant and name != meant:
            ja, en = f"このファイルは読まれません。名前を {meant} にしてください。", f"Not read: rename it to {meant}."
            yield Problem(file=name, line=1, severity="warning", ja=ja, en=en)


def _unknown_starters(entries: Iterable[Entry], shop: Shop, line: int) -> Iterator[Problem]:
    served = [entry.id for entry in entries if entry.action in {"answer", "handoff"}]
    for starter in (starter for starter in shop.starters if starter not in served):
        near = nearest(starter, served)
        ja = f"starters の「{starter}」という ID の FAQ はないので、ボタンに出しません。"
        en = f'starters: no entry has the id "{starter}", so it gets no button.'
        ja, en = (f"{ja}「{near}」のことですか。", f'{en} Did you mean "{near}"?') if near else (ja, en)
        yield Problem(file=SHOP_FILE, line=line, severity="warning", ja=ja, en=en)


def _holes(entries: Iterable[Entry], texts: Texts, shop: Shop, lines: Mapping[str, int]) -> Iterator[Problem]:
    """Sentences that will be left out, because `_shop.yaml` does not say what they need."""
    places = [
        (entry.file, entry.line, bubble)
        for entry in entries
        for bubble in entry.bubbles
        if isinstance(bubble, str) and "{" in bubble
    ]
    places += [(MESSAGES_FILE, lines.get(name, 1), bubble) for name, own in texts.own.items() for bubble in own]
    for file, line, bubble in places:
        for key in missing_keys(bubble, shop):
            ja = f"{SHOP_FILE} に {key} がないので、それを使う文は送られません。"
            en = f"{SHOP_FILE} has no {key}, so the sentence that needs it is left out."
            yield Problem(file=file, line=line, severity="warning", ja=ja, en=en)
