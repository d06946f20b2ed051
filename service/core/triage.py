"""What to do about one turn: `triage` decides what can be decided at once, `settle` decides the rest.

Both are pure. The order of the steps in `_decide_as_bot` is the contract (docs/how-it-works.md): who the customer wants
to talk to comes before what the question means, and a person who owns the conversation is never talked over.
"""

from datetime import datetime, timedelta

from service.core.calibration import ASKED_FROM
from service.core.conversation import Conversation, Tap, Turn
from service.core.decisions import (
    Answer,
    AnswerReason,
    AskModel,
    Candidate,
    Clarify,
    Decision,
    Greet,
    Handoff,
    NoneFits,
    Pick,
    Silent,
    Unclear,
    Verdict,
)
from service.core.hours import mode_at
from service.core.knowledge import Knowledge
from service.core.situation import MAX_CHOICES, Situation
from service.core.verdicts import UNPROBED, Rates

MIN_CHOICES = 2
# An entry gets a button if it takes so much of what the best four have together.
_WORTH_A_BUTTON = 0.005
# Staff who have said nothing for this long may have gone home when the shop has closed.
STAFF_AWAY = timedelta(minutes=30)
GROUP_AGAIN = timedelta(days=1)
# Until probes have shown what the model's picks are worth, one counts only where it agrees with the ranking: measured
# to keep the promise even for a model that is wrong on a tenth of the messages.
TRUSTED_PICK = 0.5


def triage(turn: Turn, knowledge: Knowledge, conversation: Conversation, now: datetime) -> Decision | AskModel:
    """Decide about one turn, or say that the language model may look at it first."""
    given = Situation(turn, knowledge, conversation, now)
    if turn.other is not None:
        return _decide_about_event(turn.other, given)
    match conversation.state:
        case "human":
            return _decide_beside_staff(given)
        case "waiting":
            return _decide_while_waiting(given)
        case "bot":
            return _decide_as_bot(given)


def _decide_about_event(other: str, given: Situation) -> Decision:
    """What is no message: only a new friend and a group are greeted."""
    match other:
        case "follow" if given.conversation.state == "bot" and not given.conversation.paused:
            return Greet("welcome", given.starters)
        case "join":
            return Greet("group")
        case "mention":
            last = given.conversation.group_at
            return Silent("group") if last and given.now - last < GROUP_AGAIN else Greet("group")
        case "group" | "unsent":
            return Silent(other)
        case _:
            return Silent("not_a_message")


def _decide_beside_staff(given: Situation) -> Decision:
    """A person owns the conversation and is never talked over; one who has gone home is asked anew."""
    last = given.conversation.staff_at
    away = last is None or given.now - last >= STAFF_AWAY
    if away and not given.is_open and not (given.is_polite and not given.has_media):
        return Handoff("paused" if given.conversation.paused else "after_hours")
    return Silent("staff_owns")


def _decide_while_waiting(given: Situation) -> Decision:
    """Staff are asked already: only what was picked or typed to the letter is answered, and what helps meanwhile."""
    if given.conversation.paused:
        return Silent("waiting")
    if given.turn.tap:
        decision = _use_tap(given.turn.tap, given)
    elif given.asks_for_person or given.is_polite:
        decision = None
    else:
        decision = _find_keyword(given) or _answer_meanwhile(given)
    # There is no second handoff, and nothing of an entry that is quiet.
    speaks = isinstance(decision, Answer) and not given.knowledge.entries[decision.entry].quiet
    return decision if decision and speaks else Silent("waiting")


def _answer_meanwhile(given: Situation) -> Decision | None:
    """Nobody is there, or nobody came when it was promised: a doubly sure answer may help the customer on."""
    promised = given.conversation.promised_at
    if given.is_open and (promised is None or given.now < promised):
        return None
    candidates = _rank(given)
    if not candidates or candidates[0].probability < given.knowledge.calibration.surer:
        return None
    return _use_entry(candidates[0].entry, given.knowledge, "sure", candidates)


def _decide_as_bot(given: Situation) -> Decision | AskModel:
    """The order of the contract: the first step that has an opinion decides."""
    steps = (
        _pause,
        _take_choice,
        _hear_request,
        _look_at_media,
        _accept_courtesy,
        _greet,
        _find_keyword,
        _ask_staff_first,
    )
    decided = next((decision for step in steps if (decision := step(given))), None)
    return decided or _decide_by_meaning(given)


def _pause(given: Situation) -> Decision | None:
    return Handoff("paused") if given.conversation.paused else None


def _take_choice(given: Situation) -> Decision | None:
    return _use_tap(given.turn.tap, given) if given.turn.tap else None


def _hear_request(given: Situation) -> Decision | None:
    return Handoff("asked") if given.asks_for_person else None


def _look_at_media(given: Situation) -> Decision | None:
    return Handoff("media") if given.is_polite and given.has_media else None


def _accept_courtesy(given: Situation) -> Decision | None:
    """Right after a Clarify "ok" may be an answer to it, so it is judged by its meaning; a sticker has none."""
    may_choose = given.turn.lines and given.conversation.choices
    return Silent("courtesy") if given.is_polite and not may_choose else None


def _greet(given: Situation) -> Decision | None:
    return Greet("greeting", given.starters) if given.is_greeting else None


def _find_keyword(given: Situation) -> Decision | None:
    return _use_entry(given.keyword, given.knowledge, "keyword") if given.keyword else None


def _ask_staff_first(given: Situation) -> Decision | None:
    mode = mode_at(given.knowledge.shop, given.now, given.conversation.today)
    return Handoff("staff_first") if mode == "staff_first" else None


def _decide_by_meaning(given: Situation) -> Decision | AskModel:
    candidates = _rank(given)
    if candidates and candidates[0].probability >= given.knowledge.calibration.sure:
        return _use_entry(candidates[0].entry, given.knowledge, "sure", candidates)
    called = (given.conversation.display_name, given.conversation.nickname)
    names = tuple(name for name in called if name)
    return AskModel(given.turn.text, candidates, may_clarify=not given.conversation.choices, names=names)


def _rank(given: Situation) -> tuple[Candidate, ...]:
    """The entries that may fit and hold today. What has run out makes nothing else more probable."""
    ranked = given.knowledge.rank(given.turn.text).candidates
    return tuple(candidate for candidate in ranked if given.entry(candidate.entry))


def shown(question: AskModel, knowledge: Knowledge) -> tuple[Candidate, ...]:
    """The candidates that a model may see: none that is private."""
    return tuple(each for each in question.candidates if not knowledge.entries[each.entry].private)


def is_worth_asking(question: AskModel, knowledge: Knowledge) -> bool:
    """Tell whether a model could help: the right entry may be among those it may see."""
    return sum(candidate.probability for candidate in shown(question, knowledge)) >= ASKED_FROM


def settle(question: AskModel, knowledge: Knowledge, verdict: Verdict | None, rates: Rates = UNPROBED) -> Decision:
    """Decide what `triage` left open. `verdict` None: no model, or none that can be used; `rates` say how it errs."""
    seen = shown(question, knowledge)
    likely = sum(candidate.probability for candidate in question.candidates[:MAX_CHOICES])
    picked = None
    match verdict:
        case Pick(entry) if _is_trusted(entry, question, seen, rates):
            return _use_entry(entry, knowledge, "model", question.candidates)
        case NoneFits():
            return Handoff("no_entry", candidates=question.candidates)
        case Unclear(entries) if question.may_clarify and len(choices := _offered(entries, seen)) >= MIN_CHOICES:
            return Clarify(choices, "model_unclear", question.candidates)
        case Pick(picked):
            likely = max(likely, rates.posterior(picked, seen))
        case _:
            pass
    if not question.candidates or likely < knowledge.calibration.clarify:
        return Handoff("no_entry", candidates=question.candidates)
    return _clarify(question, picked) if question.may_clarify else Handoff("unsure", candidates=question.candidates)


def _is_trusted(picked: str, question: AskModel, seen: tuple[Candidate, ...], rates: Rates) -> bool:
    if rates.threshold is not None:
        return rates.posterior(picked, seen) >= rates.threshold
    best = [candidate for candidate in question.candidates[:1] if candidate in seen]
    return any(first.entry == picked and first.probability >= TRUSTED_PICK for first in best)


def _offered(entries: tuple[str, ...], seen: tuple[Candidate, ...]) -> tuple[str, ...]:
    """Keep of the model's entries those that it was shown, each once."""
    known = {candidate.entry for candidate in seen}
    return tuple(entry for entry in dict.fromkeys(entries) if entry in known)[:MAX_CHOICES]


def _clarify(question: AskModel, picked: str | None) -> Decision:
    """Offer the most probable entries, the model's pick first; one alone is no choice."""
    least = _WORTH_A_BUTTON * sum(candidate.probability for candidate in question.candidates[:MAX_CHOICES])
    ranked = sorted(question.candidates, key=lambda candidate: candidate.entry != picked)
    worth = [candidate for candidate in ranked if candidate.entry == picked or candidate.probability >= least]
    choices = worth[:MAX_CHOICES] if len(worth) >= MIN_CHOICES else ranked[:MIN_CHOICES]
    if len(choices) < MIN_CHOICES:
        return Handoff("unsure", candidates=question.candidates)
    return Clarify(tuple(candidate.entry for candidate in choices), "unsure", question.candidates)


def _use_tap(tap: Tap, given: Situation) -> Decision:
    if tap.entry is None:
        return Handoff("asked")
    if given.entry(tap.entry):
        return _use_entry(tap.entry, given.knowledge, "choice")
    left = (given.usable(given.conversation.choices) or given.starters)[:MAX_CHOICES]
    return Clarify(left, "stale_button") if left else Handoff("no_entry")


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
