"""The FAQ as it answers now: searchable, by file, with what is wrong in the files; and what staff suggest for it."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from service.adapters.inquiries import Inquiries
from service.adapters.suggestions import Suggestions
from service.core.additions import Suggestion
from service.core.entries import Entry, Problem, words_of
from service.core.searching import folded_words
from service.core.texts import Lang
from service.errors import NotFound, WorkerUnavailable
from service.web.pages.faq_adding import Adder, Form, Handled, Tried, make_choices
from service.web.pages.inbox import Words
from service.web.pages.inbox_contexts import Parts, is_working
from service.web.pages.screen import go, show
from service.web.pages.visit import PageRequest, language_of

# So many are shown open; more are folded away under their file's name.
_FEW = 40


class Shown(msgspec.Struct, frozen=True):
    """An entry on the page. `marks` are words of the table of words: what it does, and whether it holds now."""

    id: str
    question: str
    answer: str
    phrasings: tuple[str, ...]
    marks: tuple[str, ...]
    line: int


class ShownFile(msgspec.Struct, frozen=True):
    """A file with those of its entries that were looked for."""

    name: str
    entries: tuple[Shown, ...]


class Loaded(msgspec.Struct, frozen=True):
    """What a worker says of the FAQ. `away`: none says anything."""

    entries: dict[str, Entry]
    problems: tuple[Problem, ...]
    away: bool = False


async def load(parts: Parts, inquiries: Inquiries) -> Loaded:
    """Ask a worker for the FAQ. Where none works nobody waits for an answer."""
    situation = await parts.archive.situation()
    if not is_working(situation):
        return Loaded({}, (), away=True)
    try:
        entries = await parts.faq.entries(situation.knowledge)
        return Loaded(entries, (await inquiries.faq(0)).problems)
    except WorkerUnavailable:
        return Loaded({}, (), away=True)


@get("/faq")
async def show_faq(adder: NamedDependency[Adder], now: NamedDependency[datetime], q: Words = "") -> Response[Any]:
    """Show all entries, or those that hold all these words."""
    return await _show(adder, now, q)


async def _show(
    adder: Adder, now: datetime, q: str = "", *, status: int = 200, handled: Handled | None = None
) -> Response[Any]:
    loaded, shop = await load(adder.parts, adder.inquiries), await adder.parts.archive.shop()
    files = _files(loaded.entries.values(), folded_words(q), now.astimezone(ZoneInfo(shop.timezone)).date())
    count = sum(len(file.entries) for file in files)
    tries = [_try(each, handled) for each in await adder.suggestions.all()]
    context: dict[str, Any] = {
        "q": q,
        "away": loaded.away,
        "problems": _problems(loaded.problems, language_of(adder.request)),
        "files": files,
        "count": count,
        "total": len(loaded.entries),
        "is_open": count <= _FEW,
        "tries": tries,
        "choices": make_choices(loaded.entries, ()),
        "handled": handled,
        "here": "/faq",
    }
    return show(adder.request, "faq.html", status=status, **context)


def _try(suggestion: Suggestion, handled: Handled | None) -> tuple[Suggestion, Tried]:
    """A suggestion with what was typed over it and why that did not do, where it was just tried."""
    if handled and handled.about == suggestion.id and handled.tried:
        return suggestion, handled.tried
    return suggestion, Tried(suggestion.addition)


def _problems(problems: Sequence[Problem], lang: Lang) -> list[tuple[str, str, str]]:
    """Place, severity and sentence of each, errors first."""
    ordered = sorted(problems, key=lambda each: each.severity)
    return [(f"{each.file}:{each.line}", each.severity, each.ja if lang == "ja" else each.en) for each in ordered]


def _files(entries: Iterable[Entry], words: Sequence[str], today: date) -> list[ShownFile]:
    files: dict[str, list[Shown]] = {}
    for entry in sorted(entries, key=lambda each: (each.file, each.line)):
        if all(word in _folded(entry) for word in words):
            files.setdefault(entry.file, []).append(_shown(entry, today))
    return [ShownFile(name, tuple(shown)) for name, shown in files.items()]


def _folded(entry: Entry) -> str:
    return " ".join(folded_words(" ".join((entry.question, *entry.phrasings, *map(words_of, entry.bubbles)))))


def _shown(entry: Entry, today: date) -> Shown:
    marks = [f"faq_{entry.action}"] if entry.action != "answer" else []
    marks += ["faq_keyword"] if entry.match == "keyword" else []
    if entry.valid_until and entry.valid_until < today:
        marks.append("faq_expired")
    if entry.valid_from and entry.valid_from > today:
        marks.append("faq_not_yet")
    if entry.review_by and entry.review_by < today:
        marks.append("faq_review")
    answer = "\n\n".join(map(words_of, entry.bubbles))
    return Shown(entry.id, entry.question, answer, entry.phrasings, tuple(marks), entry.line)


@get("/faq/count")
async def show_count(request: PageRequest, suggestions: NamedDependency[Suggestions]) -> Response[Any]:
    """Say how many suggestions wait, for the bar on top."""
    return show(request, "_faq_count.html", count=len(await suggestions.all()))


@get("/faq/arrived")
async def show_arrival(request: PageRequest, parts: NamedDependency[Parts], before: Words = "") -> Response[Any]:
    """Say whether the workers answer from another version of the FAQ than `before`."""
    arrived = (await parts.archive.situation()).knowledge != before
    return show(request, "_faq_arrived.html", arrived=arrived, before=before)


@post("/faq/suggestions/{suggestion_id:str}/accept", status_code=200)
async def accept(
    adder: NamedDependency[Adder],
    suggestions: NamedDependency[Suggestions],
    now: NamedDependency[datetime],
    suggestion_id: FromPath[str],
    data: URLEncodedBody[Form],
) -> Response[Any]:
    """Write a suggestion into the FAQ, as it was changed in the form. What does not do stays, with the reasons."""
    suggestion = await suggestions.find(suggestion_id)
    handled = await adder.write(data, suggestion)
    if handled.is_settled:
        await suggestions.remove(suggestion_id)
    return await _show(adder, now, status=handled.status, handled=handled)


@post("/faq/suggestions/{suggestion_id:str}/reject", status_code=303)
async def reject(
    request: PageRequest,
    suggestions: NamedDependency[Suggestions],
    real_now: NamedDependency[datetime],
    suggestion_id: FromPath[str],
) -> Response[Any]:
    """Take a suggestion off the list."""
    try:
        await suggestions.find(suggestion_id)
    except NotFound:
        return go(request, "/faq")
    await suggestions.remove(suggestion_id)
    await suggestions.log(request.user.name, "faq_reject", real_now, suggestion=suggestion_id)
    return go(request, "/faq")


READERS: list[Any] = [show_faq, show_arrival]
OWNERS: list[Any] = [show_count, accept, reject]
