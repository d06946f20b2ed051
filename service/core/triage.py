"""What to do about one turn: `triage` decides what can be decided at once, `settle` decides the rest.

Both are pure. The order inside `_decide_as_bot` is the contract (docs/how-it-works.md): who the customer wants to talk
to comes before what the question means, and a person who owns the conversation is never talked over.
"""

from service.core.choices import read_number
from service.core.conversation import Conversation, Tap, Turn
from service.core.decisions import (
    Answer,
    AnswerReason,
    AskModel,
    Candidate,
    Clarify,
    Decision,
    Handoff,
    NoneFits,
    Pick,
    Silent,
    Unclear,
    Verdict,
)
from service.core.knowledge import Knowledge
from service.core.normalize import normalize
from service.core.ranking import POSSIBLE, SURE
from service.core.words import asks_for_person, is_courtesy

MIN_CHOICES = 2
MAX_CHOICES = 4
# Until the model's verdicts are calibrated against this shop's FAQ, its pick counts only where it agrees with the
# ranking: measured to keep the promise even for a model that is wrong on a tenth of the messages.
TRUSTED_PICK = 0.5


def triage(turn: Turn, knowledge: Knowledge, conversation: Conversation) -> Decision | AskModel:
    """Decide about one turn, or say that the language model may look at it first."""
    if turn.other is not None:
        return Silent(turn.other if turn.other in ("group", "unsent") else "not_a_message")
    if conversation.state == "human":
        return Silent("staff_owns")
    tap = turn.tap or (read_number(turn.text, conversation.choices) if turn.lines else None)
    if conversation.state == "waiting":
        return _answer_while_waiting(turn, knowledge, tap)
    return _decide_as_bot(turn, knowledge, conversation, tap)


def _answer_while_waiting(turn: Turn, knowledge: Knowledge, tap: Tap | None) -> Decision:
    """Staff are asked already: only what the customer picked or typed to the letter is answered."""
    if tap:
        decision = _use_tap(tap, knowledge)
    elif (keyword := _keyword_entry(turn, knowledge)) and not _asks_for_person(turn) and not _is_polite(turn):
        decision = _use_entry(keyword, knowledge, "keyword")
    else:
        return Silent("waiting")
    return decision if isinstance(decision, Answer) else Silent("waiting")


def _decide_as_bot(
    turn: Turn, knowledge: Knowledge, conversation: Conversation, tap: Tap | None
) -> Decision | AskModel:
    if tap:
        return _use_tap(tap, knowledge)
    if _asks_for_person(turn):
        return Handoff("asked")
    if _is_polite(turn) and set(turn.media) - {"sticker"}:
        return Handoff("media")
    # Right after a Clarify "ok" may be an answer to it, so it is judged by its meaning; a sticker has none.
    if _is_polite(turn) and not (turn.lines and conversation.choices):
        return Silent("courtesy")
    if keyword := _keyword_entry(turn, knowledge):
        return _use_entry(keyword, knowledge, "keyword")
    return _decide_by_meaning(turn, knowledge, conversation)


def _asks_for_person(turn: Turn) -> bool:
    return any(asks_for_person(line) for line in turn.lines)


def _is_polite(turn: Turn) -> bool:
    """Tell whether no line says more than thanks or "ok"."""
    return all(is_courtesy(line) for line in turn.lines)


def _decide_by_meaning(turn: Turn, knowledge: Knowledge, conversation: Conversation) -> Decision | AskModel:
    candidates = knowledge.index.rank(turn.text)
    if not candidates or candidates[0].probability < POSSIBLE:
        return Handoff("no_entry", candidates=candidates)
    if candidates[0].probability >= SURE:
        return _use_entry(candidates[0].entry, knowledge, "sure", candidates)
    return AskModel(turn.text, candidates, may_clarify=not conversation.choices)


def settle(question: AskModel, knowledge: Knowledge, verdict: Verdict | None) -> Decision:
    """Decide what `triage` left open. `verdict` None: no model, or none that could be used."""
    first = question.candidates[0]
    match verdict:
        case Pick(entry) if entry == first.entry and first.probability >= TRUSTED_PICK:
            return _use_entry(entry, knowledge, "model", question.candidates)
        case NoneFits():
            return Handoff("no_entry", candidates=question.candidates)
        case _ if not question.may_clarify:
            return Handoff("unsure", candidates=question.candidates)
        case Unclear(entries) if len(choices := _offered(entries, question)) >= MIN_CHOICES:
            return Clarify(choices, "model_unclear", question.candidates)
        case _:
            return _clarify(question, verdict.entry if isinstance(verdict, Pick) else None)


def _offered(entries: tuple[str, ...], question: AskModel) -> tuple[str, ...]:
    """Keep of the model's entries those that it was shown, each once."""
    shown = {candidate.entry for candidate in question.candidates}
    return tuple(entry for entry in dict.fromkeys(entries) if entry in shown)[:MAX_CHOICES]


def _clarify(question: AskModel, picked: str | None) -> Decision:
    """Offer the most probable entries, the model's pick first; one alone is no choice."""
    least = question.candidates[0].probability / 10
    ranked = sorted(question.candidates, key=lambda candidate: candidate.entry != picked)
    worth = [candidate for candidate in ranked if candidate.entry == picked or candidate.probability >= least]
    choices = worth[:MAX_CHOICES] if len(worth) >= MIN_CHOICES else ranked[:MIN_CHOICES]
    if len(choices) < MIN_CHOICES:
        return Handoff("unsure", candidates=question.candidates)
    return Clarify(tuple(candidate.entry for candidate in choices), "unsure", question.candidates)


def _use_tap(tap: Tap, knowledge: Knowledge) -> Decision:
    if tap.entry is None:
        return Handoff("asked")
    if tap.entry not in knowledge.entries:
        return Handoff("no_entry")
    return _use_entry(tap.entry, knowledge, "choice")


def _use_entry(
    entry_id: str, knowledge: Knowledge, reason: AnswerReason, candidates: tuple[Candidate, ...] = ()
) -> Decision:
    match knowledge.entries[entry_id].action:
        case "answer":
            return Answer(entry_id, reason, candidates)
        case "handoff":
            return Handoff("topic", entry_id, candidates)
        case "suggest" | "off":
            return Handoff("no_entry", candidates=candidates)


def _keyword_entry(turn: Turn, knowledge: Knowledge) -> str | None:
    found = (knowledge.keywords.get(normalize(line)) for line in turn.lines)
    return next((entry for entry in found if entry), None)
