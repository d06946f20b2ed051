"""What the customer reads for a decision, as LINE message objects, and in words for the records."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from service.core.booking import make_template
from service.core.bubbles import (
    MAX_BUBBLES,
    MAX_DISPLAY,
    cut,
    image_message,
    text_message,
    with_buttons,
    with_fill_in,
)
from service.core.choices import button_data
from service.core.decisions import Answer, Clarify, Decision, Greet, Handoff, HandoffReason, Silent
from service.core.entries import Bubble, Entry, ImageBubble, words_of
from service.core.hours import is_open
from service.core.knowledge import Knowledge
from service.core.placeholders import fill, say
from service.core.shop import TodayHours
from service.core.texts import Lang, MessageName, text

SpeechKind = Literal["answer", "clarify", "notice", "greet"]
_NOTICES: Mapping[HandoffReason, MessageName] = MappingProxyType(
    {"asked": "handoff_asked", "media": "media", "error": "error"}
)
# A message too many is not answered with one more; and where answers are off, nothing is said at all.
_WITHOUT_NOTICE: frozenset[HandoffReason] = frozenset({"overflow", "paused"})


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """To whom the bot speaks, in which language, and when.

    `key` signs buttons. `public_url` is where LINE fetches pictures; without one they are sent in words. `today` are
    the hours that staff set for today. `waiting`: the customer waits for staff already.
    """

    knowledge: Knowledge
    customer: str
    key: bytes
    now: datetime
    lang: Lang
    public_url: str | None = None
    today: TodayHours | None = None
    waiting: bool = False

    def fill(self, words: str) -> str:
        """Fill the placeholders of an answer."""
        return fill(words, self.knowledge.shop, self.now, self.lang, self.today)

    def say(self, name: MessageName, ask: str = "") -> tuple[str, ...]:
        """One of the bot's own texts, as bubbles; none when the shop does not want it sent."""
        knowledge = self.knowledge
        return say(knowledge.texts, name, self.lang, shop=knowledge.shop, now=self.now, today=self.today, ask=ask)


class Speech(msgspec.Struct, frozen=True):
    """What is sent in one request: `messages` are LINE's objects, `words` the same bubbles as they are recorded."""

    kind: SpeechKind
    messages: tuple[dict[str, Any], ...]
    words: tuple[str, ...]


def speak(decision: Decision, voice: Voice) -> Speech | None:
    """Say what the customer reads; None when that is nothing."""
    match decision:
        case Answer(entry, reason):
            bubbles = _answer(voice.knowledge.entries[entry], voice)
            if bubbles and voice.waiting and reason == "sure":
                bubbles = _with_footer(bubbles, voice.say("waiting_footer"))
            return _speech("answer", bubbles, voice)
        case Clarify(choices, reason):
            return _clarify(choices, "stale_button" if reason == "stale_button" else "clarify", voice)
        case Handoff():
            return None if voice.waiting else _notice(decision, voice)
        case Greet(reason, starters):
            speech = _speech("greet", voice.say(reason), voice)
            return speech and _with_choices(speech, starters, voice)
        case Silent():
            return None


def _speech(kind: SpeechKind, bubbles: Sequence[Bubble], voice: Voice) -> Speech | None:
    sender = text("bot", voice.lang)
    messages = tuple(as_message(bubble, sender, voice.public_url) for bubble in bubbles[:MAX_BUBBLES])
    return Speech(kind, messages, tuple(map(words_of, bubbles[:MAX_BUBBLES]))) if messages else None


def as_message(bubble: Bubble, sender: str, public_url: str | None) -> dict[str, Any]:
    """Make LINE's object of a bubble: of a picture that LINE cannot fetch from anywhere, its description."""
    if isinstance(bubble, ImageBubble) and public_url:
        return image_message(f"{public_url}/img/{bubble.name}", f"{public_url}/img/{bubble.preview}", sender)
    return text_message(words_of(bubble), sender)


def _answer(entry: Entry, voice: Voice) -> tuple[Bubble, ...]:
    return filled_bubbles(entry, voice.fill)


def filled_bubbles(entry: Entry, fill: Callable[[str], str]) -> tuple[Bubble, ...]:
    """The entry's words with the shop's facts filled in; a bubble of which nothing is left is not sent."""
    filled = (bubble if isinstance(bubble, ImageBubble) else fill(bubble) for bubble in entry.bubbles)
    return tuple(bubble for bubble in filled if bubble)


def _with_footer(bubbles: tuple[Bubble, ...], footer: tuple[str, ...]) -> tuple[Bubble, ...]:
    """End the answer with the footer: in its last bubble where five are full."""
    if len(bubbles) + len(footer) <= MAX_BUBBLES:
        return (*bubbles, *footer)
    return (*bubbles[:-1], "\n\n".join((words_of(bubbles[-1]), *footer)))


def _clarify(choices: tuple[str, ...], name: MessageName, voice: Voice) -> Speech | None:
    numbered = "\n".join(f"{number}. {label}" for number, label in enumerate(_labels(choices, voice), 1))
    speech = _speech("clarify", ("\n\n".join((*voice.say(name), numbered)),), voice)
    return speech and _with_choices(speech, choices, voice)


def _labels(choices: Sequence[str], voice: Voice) -> list[str]:
    titles = [cut(voice.knowledge.entries[choice].question, MAX_DISPLAY) for choice in choices]
    return [*titles, text("ask_staff", voice.lang)]


def _with_choices(speech: Speech, choices: tuple[str, ...], voice: Voice) -> Speech:
    if not choices:
        return speech
    data = [button_data(voice.key, voice.customer, choice) for choice in (*choices, None)]
    last = with_buttons(speech.messages[-1], list(zip(_labels(choices, voice), data, strict=True)))
    return msgspec.structs.replace(speech, messages=(*speech.messages[:-1], last))


def _notice(decision: Handoff, voice: Voice) -> Speech | None:
    """Tell the customer that a person will reply: in the entry's own words where it has some."""
    if decision.reason in _WITHOUT_NOTICE:
        return None
    entry = voice.knowledge.entries.get(decision.entry or "")
    own = _answer(entry, voice) if entry else ()
    if entry and entry.ask:
        return _ask(entry, own, voice)
    return _speech("notice", own or voice.say(_notice_name(decision.reason, voice)), voice)


def _notice_name(reason: HandoffReason, voice: Voice) -> MessageName:
    usual = "handoff_open" if is_open(voice.knowledge.shop, voice.now, voice.today) else "handoff_closed"
    return _NOTICES.get(reason, usual)


def _ask(entry: Entry, own: tuple[Bubble, ...], voice: Voice) -> Speech | None:
    """Say what a booking must tell, with a button that opens the keyboard with the template."""
    between = "、" if voice.lang == "ja" else ", "
    bubbles = (*own, *voice.say("handoff_booking", ask=between.join(entry.ask)))
    speech = _speech("notice", bubbles, voice)
    if speech is None:
        return None
    last = with_fill_in(speech.messages[-1], text("fill_in", voice.lang), make_template(entry.ask))
    return msgspec.structs.replace(speech, messages=(*speech.messages[:-1], last))
