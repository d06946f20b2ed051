"""FAQに追加: from a conversation one more phrasing of an entry, or a new entry.

An owner's is written into the folder by a worker; everybody else's, and what the folder does not take, is kept as a
suggestion. What was typed is never lost: whatever does not do comes back in the form, with the reasons.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from service.adapters.inquiries import Inquiries
from service.adapters.suggestions import Suggestions
from service.core.additions import (
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    NEW_FILE,
    Added,
    Addition,
    Suggestion,
    files_to_add_to,
    one_line,
)
from service.core.entries import Entry
from service.core.masking import PLACEHOLDERS, mask
from service.core.records import BubbleItem, HandoffRecord, Item
from service.errors import WorkerUnavailable
from service.web.pages.inbox_contexts import TALK, Parts, is_working
from service.web.pages.inbox_views import STAFF
from service.web.pages.screen import show
from service.web.pages.visit import PageRequest, language_of

_NEAR = 5
_UNTRIED: Mapping[str, "Tried"] = MappingProxyType({})


class Form(msgspec.Struct):
    """What was typed. `entry` is "ID SIGHT" of the entry that a phrasing is for. `sure`: with the personal data."""

    kind: Literal["phrasing", "entry"] = "phrasing"
    entry: str = ""
    question: str = ""
    answer: str = ""
    file: str = ""
    sure: str = ""

    @property
    def addition(self) -> Addition:
        """What is to be added."""
        question = one_line(self.question)
        if self.kind == "phrasing":
            entry, _, seen = self.entry.partition(" ")
            return Addition(entry=entry, seen=seen, question=question)
        answer = self.answer.replace("\r\n", "\n").strip()
        return Addition(question=question, answer=answer, file=self.file)


class Tried(msgspec.Struct, frozen=True):
    """What stands in a form, and why it was not taken: words of the table, and the loader's own sentences."""

    addition: Addition
    problem: str = ""
    reasons: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()


class Handled(msgspec.Struct, frozen=True):
    """What became of a form: `notice` is a word of the table. `before` is the FAQ's version before it was written."""

    status: int
    notice: str = ""
    tried: Tried | None = None
    before: str | None = None
    file: str = ""
    about: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do about it."""
        return self.notice in {"faq_written", "faq_already"}


class Choices(msgspec.Struct, frozen=True):
    """Entries that a phrasing may be added to, those that nearly fitted first, and files for a new one."""

    near: tuple[Entry, ...]
    others: Mapping[str, list[Entry]]
    files: Sequence[str]


def make_choices(entries: Mapping[str, Entry], near: Iterable[str]) -> Choices:
    """Sort out what can be added to."""
    usable = [entry for entry in entries.values() if entry.match == "meaning" and entry.action in {"answer", "handoff"}]
    ids = [entry.id for entry in usable]
    first = tuple(entries[each] for each in near if each in ids)[:_NEAR]
    others: dict[str, list[Entry]] = {}
    for entry in sorted(usable, key=lambda each: (each.file, each.line)):
        if entry not in first:
            others.setdefault(entry.file, []).append(entry)
    return Choices(first, others, files_to_add_to(entries))


class Adder(msgspec.Struct, frozen=True):
    """Somebody who adds to the FAQ, and what that takes."""

    request: PageRequest
    parts: Parts
    inquiries: Inquiries
    suggestions: Suggestions
    keep_days: int
    now: datetime

    async def write(self, form: Form, suggestion: Suggestion) -> Handled:
        """Have it written. `suggestion` is what it comes from, or would be kept as."""
        addition = form.addition
        if refused := self._objection(form, addition, suggestion.id):
            return refused
        before = (await self.parts.archive.situation()).knowledge
        try:
            added = await self.inquiries.add(addition, is_trial=not self.request.user.is_owner)
        except WorkerUnavailable:
            return Handled(503, tried=Tried(addition, "faq_away"), about=suggestion.id)
        if added.status in {"changed", "refused"}:
            return self._refusal(addition, added, suggestion.id)
        return await self._conclusion(addition, added, suggestion, before)

    async def _conclusion(
        self, addition: Addition, added: Added, suggestion: Suggestion, before: str | None
    ) -> Handled:
        """Say what became of what could be added, and keep what was not written."""
        if added.status == "already":
            return Handled(200, "faq_already", file=added.file)
        if added.status == "unwritable":
            await self.keep(suggestion, addition, is_unwritable=True)
            return Handled(200, "faq_unwritable", tried=Tried(addition), about=suggestion.id)
        if not self.request.user.is_owner:
            await self.keep(suggestion, addition)
            return Handled(200, "faq_suggested")
        about = {"entry": addition.entry} if addition.entry else {}
        await self.suggestions.log(self.request.user.name, "faq_add", self.now, file=added.file, **about)
        return Handled(200, "faq_written", before=before, file=added.file)

    async def keep(self, suggestion: Suggestion, addition: Addition, *, is_unwritable: bool = False) -> None:
        """Keep it as a suggestion."""
        kept = msgspec.structs.replace(suggestion, addition=addition, is_unwritable=is_unwritable)
        await self.suggestions.save(kept, keep_days=self.keep_days)

    def _objection(self, form: Form, addition: Addition, about: str) -> Handled | None:
        """Say why it is not even tried."""
        problem = ""
        if not addition.question or (form.kind == "entry" and not addition.answer):
            problem = "faq_empty"
        elif len(addition.question) > LONGEST_QUESTION or len(addition.answer) > LONGEST_ANSWER:
            problem = "faq_long"
        elif form.kind == "phrasing" and not addition.entry:
            problem = "faq_which"
        personal = () if form.sure else personal_in(f"{addition.question}\n{addition.answer}")
        if not problem and not personal:
            return None
        return Handled(422, tried=Tried(addition, problem or "faq_personal", (), personal), about=about)

    def _refusal(self, addition: Addition, added: Added, about: str) -> Handled:
        """Put the reasons into the reader's language, rivals by name and place."""
        if added.status == "changed":
            return Handled(409, tried=Tried(addition, "faq_changed"), about=about)
        is_japanese = language_of(self.request) == "ja"
        reasons = [each.ja if is_japanese else each.en for each in added.reasons]
        for rival in added.rivals:
            place = f"{rival.file}:{rival.line}"
            reasons.append(f"「{rival.question}」（{place}）" if is_japanese else f'"{rival.question}" ({place})')
        problem = "faq_rivals" if added.rivals else "faq_refused"
        return Handled(422, tried=Tried(addition, problem, tuple(reasons)), about=about)


def personal_in(text: str) -> tuple[str, ...]:
    """Name the kinds of personal data that seem to stand in a text: ［電話番号］."""
    masked = mask(text)
    return tuple(kind for kind in PLACEHOLDERS if masked.count(kind) > text.count(kind))


class Keeping(msgspec.Struct, frozen=True):
    """How long suggestions are kept."""

    days: int


async def provide_adder(
    *,
    request: PageRequest,
    parts: NamedDependency[Parts],
    inquiries: NamedDependency[Inquiries],
    suggestions: NamedDependency[Suggestions],
    keeping: NamedDependency[Keeping],
    real_now: NamedDependency[datetime],
) -> Adder:
    """Say who adds, and where."""
    return Adder(request, parts, inquiries, suggestions, keeping.days, real_now)


@get("/inbox/{handoff_id:str}/faq")
async def show_form(adder: NamedDependency[Adder], handoff_id: FromPath[str]) -> Response[Any]:
    """Offer both forms, filled with what the customer asked and what was replied."""
    handoff = await adder.parts.archive.handoff(handoff_id)
    return await _show(adder, handoff)


@post("/inbox/{handoff_id:str}/faq", status_code=200)
async def add(adder: NamedDependency[Adder], handoff_id: FromPath[str], data: URLEncodedBody[Form]) -> Response[Any]:
    """Add it, or suggest it."""
    handoff = await adder.parts.archive.handoff(handoff_id)
    addition = data.addition
    name = hashlib.sha256(f"{handoff_id} {addition.entry} {addition.question}".encode()).hexdigest()[:16]
    suggestion = Suggestion(
        id=name,
        addition=addition,
        by=adder.request.user.name,
        at=adder.now,
        handoff=handoff_id,
        customer=handoff.customer,
    )
    handled = await adder.write(data, suggestion)
    return await _show(adder, handoff, handled, {data.kind: handled.tried or Tried(addition)})


async def _show(
    adder: Adder, handoff: HandoffRecord, handled: Handled | None = None, tried: Mapping[str, Tried] = _UNTRIED
) -> Response[Any]:
    """Show both forms: what was tried as it was, what was not as the conversation says."""
    items, _ = await adder.parts.archive.talk_before(handoff.customer, "", TALK)
    offered = Tried(Addition(question=asked(handoff), answer=replied(items), file=NEW_FILE))
    situation = await adder.parts.archive.situation()
    entries: dict[str, Entry] = {}
    if is_working(situation):
        try:
            entries = await adder.parts.faq.entries(situation.knowledge)
        except WorkerUnavailable:
            entries = {}
    context: dict[str, Any] = {
        "handoff": handoff,
        "choices": make_choices(entries, (candidate.entry for candidate in handoff.candidates)),
        "away": not entries,
        "tried": {"phrasing": offered, "entry": offered} | dict(tried),
        "handled": handled,
        "here": f"/inbox/{handoff.id}/faq",
    }
    return show(adder.request, "faq_add.html", status=handled.status if handled else 200, **context)


def asked(handoff: HandoffRecord) -> str:
    """What the customer asked, on one line: the first thing said in words."""
    return next((one_line(turn.text) for turn in handoff.turns if turn.text.strip()), "")


def replied(items: Sequence[Item]) -> str:
    """What a person replied last, whole: a reply may have been parted into several bubbles."""
    said = [item for item in items if isinstance(item, BubbleItem) and item.who.startswith(STAFF)]
    reply = said[-1].id.rpartition(".")[0] if said else ""
    return "\n".join(item.text for item in said if item.id.rpartition(".")[0] == reply)


HANDLERS: list[Any] = [show_form, add]
