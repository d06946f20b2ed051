"""Why the bot did not answer, told to staff in plain words: of a handoff, and of each entry that came near. Pure."""

import math
from collections.abc import Sequence

import msgspec

from service.core.decisions import Candidate, NoneFits, Pick, Unclear, Verdict
from service.core.entries import Entry
from service.core.records import HandoffRecord, Item, TraceItem
from service.web.pages import inbox_views, inbox_words
from service.web.pages.inbox_words import Lang

_WORTH_A_LOOK = 0.05
MOST_CANDIDATES = 3


class Why(msgspec.Struct, frozen=True):
    """Sentences, and the entries that came near with their probability (percent)."""

    sentence: str
    near: tuple[tuple[str, int], ...] = ()
    rule: str = ""
    model: str = ""
    versions: str = ""


def worth_a_look(handoff: HandoffRecord) -> list[Candidate]:
    """Pick the entries that came near enough for a person to look at, best first."""
    return [candidate for candidate in handoff.candidates if candidate.probability >= _WORTH_A_LOOK][:MOST_CANDIDATES]


def explain(items: Sequence[Item], handoff: HandoffRecord, lang: Lang) -> Why:
    """Tell the trace of the turn that began a handoff."""
    sentence, said = inbox_words.explanation(handoff, lang), inbox_words.words(lang)
    trace = inbox_views.last_trace(items, handoff)
    if trace is None:
        return Why(sentence)
    near = tuple(
        (trace.questions.get(each.entry, each.entry), round(each.probability * 100)) for each in worth_a_look(handoff)
    )
    return Why(
        sentence,
        near,
        rule=said["not_sure_enough"].format(sure=_percent(trace)) if near else "",
        model=_model(trace, lang),
        versions=said["versions"].format(faq=trace.knowledge[:8], calibration=trace.calibration[:8] or "-"),
    )


def why_not(handoff: HandoffRecord, trace: TraceItem | None, entry: Entry, candidate: Candidate, lang: Lang) -> str:
    """Say why an entry was not sent by itself."""
    said = inbox_words.words(lang)
    if entry.action == "suggest":
        return said["for_staff"]
    if handoff.reason not in {"unsure", "no_entry"}:
        return inbox_words.explanation(handoff, lang)
    if trace is None:
        return ""
    if candidate.probability < trace.thresholds.sure:
        return said["not_sure_enough"].format(sure=_percent(trace))
    return said["since_changed"]


def _percent(trace: TraceItem) -> int:
    return math.ceil(trace.thresholds.sure * 100)


def _model(trace: TraceItem, lang: Lang) -> str:
    """Say what the language model made of it, empty where it was not asked."""
    if trace.model is None:
        return ""
    said = inbox_words.words(lang)
    try:
        verdict: Verdict = msgspec.json.decode(trace.model.verdict, type=Verdict)
    except msgspec.DecodeError:
        return said["model_away"]
    match verdict:
        case Pick(entry):
            return said["model_pick"].format(entry=trace.questions.get(entry, entry))
        case NoneFits():
            return said["model_none"]
        case Unclear():
            return said["model_unclear"]
