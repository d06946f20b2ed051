"""What is known of one customer's conversation when a turn is decided, and the turn itself."""

from datetime import datetime
from typing import Literal

import msgspec

from service.core.events import Event, MessageKind, Other, Said, TakenBack, Tapped, Timer
from service.core.media import caption
from service.core.shop import TodayHours

State = Literal["bot", "waiting", "human"]


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one customer's conversation.

    `state` says who answers: the bot, nobody yet (a handoff waits), or a person. `handoff` is the open handoff's id.
    `choices` are the entry ids of the Clarify that was sent last, in the order shown; empty when the last turn did
    not end in one. `rev` counts the writes, and fences them. `display_name` is the name on LINE, once it was asked for;
    `last_handoff` is the id of the handoff that was closed last. `nickname`, `tags` and the pinned `note` are what
    staff wrote about the customer.

    `blocked`: the customer has blocked the shop's account, and nothing that is sent arrives.
    `paused`: automatic answers are off, for this customer or for the whole account. `today` are the hours that staff
    set for today. `staff_at` is when staff last did something here, `promised_at` when the open handoff was to be
    replied to, `group_at` when a group was last told that this is for private talks.
    """

    customer: str
    state: State = "bot"
    handoff: str | None = None
    assignee: str | None = None
    choices: tuple[str, ...] = ()
    rev: int = 0
    display_name: str | None = None
    last_handoff: str | None = None
    nickname: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    blocked: bool = False
    paused: bool = False
    today: TodayHours | None = None
    staff_at: datetime | None = None
    promised_at: datetime | None = None
    group_at: datetime | None = None


class Tap(msgspec.Struct, frozen=True):
    """A tapped choice: an entry's id, or None for "ask our staff"."""

    entry: str | None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The messages a customer sent in one breath, decided together; or one single other event.

    `id` is the first event's id. `events` and `messages` are LINE's ids of all of them, `at` the first one's time in
    milliseconds. `lines` are the texts (for a tapped button what stood on it), `media` the kinds of what is not text,
    `captions` what can be read on each, `tap` a choice made by button, `other` the type of an event that is no message.
    """

    id: str
    at: int
    events: tuple[str, ...]
    messages: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    media: tuple[MessageKind, ...] = ()
    captions: tuple[str, ...] = ()
    tap: Tap | None = None
    other: str | None = None

    @property
    def text(self) -> str:
        """What the customer means, all texts joined by newlines."""
        return "\n".join(self.lines)


def first_turn(events: list[Event]) -> tuple[Event, ...]:
    """Pick the events of the next turn out of a mailbox (at least one event).

    LINE does not keep the order, so they are sorted by their own time first. The leading run of messages is one turn;
    anything else is a turn of its own.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.event))
    run: list[Event] = []
    for event in ordered:
        if not isinstance(event, Said):
            break
        run.append(event)
    return tuple(run) or (ordered[0],)


def unsent_turn(events: tuple[Event, ...]) -> Turn:
    """Describe messages that the customer has taken back: passed over, no word of them kept."""
    return Turn(id=events[0].event, at=events[0].at, events=tuple(event.event for event in events), other="unsent")


def make_turn(events: tuple[Event, ...], tap: Tap | None = None, label: str = "") -> Turn:
    """Describe the events of one turn.

    `tap` is what a `Tapped` event's data stood for, None when the button was not ours; `label` is what stood on it.
    """
    said = [event for event in events if isinstance(event, Said)]
    first = events[0]
    return Turn(
        id=first.event,
        at=first.at,
        events=tuple(event.event for event in events),
        messages=tuple(event.message for event in said if event.message),
        lines=(label,) if tap else tuple(event.text for event in said if event.kind == "text"),
        media=tuple(event.kind for event in said if event.kind != "text"),
        captions=tuple(caption(event.media) for event in said if event.kind != "text"),
        tap=tap,
        other=None if tap else _what_else(first),
    )


def _what_else(event: Event) -> str | None:
    match event:
        case Said():
            return None
        case Tapped():
            return "button"
        case TakenBack():
            return "unsend"
        case Timer():
            return "timer"
        case Other():
            return event.what
