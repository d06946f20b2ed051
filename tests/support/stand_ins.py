"""Stand-ins for Redis, LINE and the model, and what they hand to one another: for the paths that go wrong."""

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from service.adapters.archive import Archive
from service.adapters.lease import Head, Lease, Waiting
from service.adapters.line import Line
from service.adapters.mailbox import Committed, Mailbox
from service.adapters.verdicts import Notepad
from service.advising import Advisor
from service.core.conversation import Conversation, State, Turn
from service.core.decisions import Handoff, Verdict
from service.core.entries import Entry
from service.core.handoffs import open_handoff
from service.core.history import Utterance
from service.core.plan import Outgoing, Plan, reply_by_staff
from service.core.records import BubbleItem, HandoffRecord, Item
from service.core.sending import Accepted, Attempt, Outcome, Refused
from service.errors import ModelUnavailable, StoreUnavailable
from service.ports import Adjudicator
from service.replying import Parts
from tests.support.shop import CUSTOMER, DUE, KEY, NOON, NOON_MS, make_shop, turn

SHOP = make_shop()
SURE = "駐車場はありますか"
UNSURE = "料金いくら?"
MINUTE = 60_000
BAD_TOKEN = Refused(400, details=False)


class Post:
    """Stands for the mailbox: answers COMMIT as told, then hands out what is to be sent, and notes every call."""

    def __init__(self, *commits: Committed, then: Sequence[Head] = (), gone: Sequence[str] = (), away: int = 0) -> None:
        self.commits = list(commits)
        self.then = list(then)
        self.gone = set(gone)
        self.away = away
        self.calls: list[str] = []
        self.turns: list[Turn] = []
        self.plans: list[Plan] = []
        self.items: list[Item] = []
        self.counts: list[str] = []
        self.fallbacks: list[Plan] = []
        self.dead: list[str] = []
        self.over_quota = False
        self.unreplied: list[HandoffRecord] = []

    def note(self, call: str, lease: Lease | None = None) -> None:
        assert lease is None or lease.token == "t"
        self.calls.append(call)
        if self.away:
            self.away -= 1
            raise StoreUnavailable(call)

    async def commit(
        self, lease: Lease, turn: Turn, plan: Plan, *, dead: str | None = None
    ) -> tuple[Committed, Head | None]:
        self.turns.append(turn)
        self.plans.append(plan)
        self.note(f"commit {dead}" if dead else "commit", lease)
        status = self.commits.pop(0) if self.commits else "done"
        return status, head(plan.out) if status == "done" and plan.out else None

    async def sent(
        self,
        lease: Lease,
        sent: Head,
        outcome: str,
        *,
        delay_ms: int = 0,
        items: Sequence[Item] = (),
        counts: tuple[str, ...] = (),
        fallback: Plan | None = None,
        dead: str | None = None,
        over_quota: bool = False,
        unreplied: HandoffRecord | None = None,
    ) -> Head | None:
        self.dead += [dead] if dead else []
        self.over_quota |= over_quota
        self.unreplied += [unreplied] if unreplied else []
        self.note(f"sent {outcome} {delay_ms}" if delay_ms else f"sent {outcome}", lease)
        self.items += items
        self.counts += counts
        self.fallbacks += [fallback] if fallback else []
        if outcome == "push":
            return head(sent.item, mode="push", now=sent.attempt.now)
        return self.then.pop(0) if self.then and outcome == "done" else None

    async def park(self, lease: Lease, delay_ms: int) -> None:
        self.note(f"park {delay_ms}", lease)

    async def unsent(self, messages: Sequence[str]) -> set[str]:
        self.note("unsent")
        return self.gone & set(messages)

    @property
    def deliveries(self) -> list[tuple[str, bool]]:
        return [(item.delivery, item.billed) for item in self.items if isinstance(item, BubbleItem)]


class Phone:
    """Stands for LINE: gives its outcomes in turn, then takes everything, and notes every call."""

    def __init__(self, *outcomes: Outcome, meanwhile: Callable[[], None] | None = None) -> None:
        self.outcomes = list(outcomes)
        self.meanwhile = meanwhile
        self.account = Desk()
        self.calls: list[tuple[str, ...]] = []

    async def reply(self, token: str, messages: tuple[dict[str, Any], ...]) -> Outcome:
        return self.answer("reply", token, *(sent["text"] for sent in messages))

    async def push(self, to: str, messages: tuple[dict[str, Any], ...], key: str) -> Outcome:
        return self.answer("push", to, key, *(sent["text"] for sent in messages))

    def answer(self, *call: str) -> Outcome:
        self.calls.append(call)
        if self.meanwhile:
            self.meanwhile()
        return self.outcomes.pop(0) if self.outcomes else Accepted()


class Desk:
    """Stands for the rest of LINE: knows nobody's name."""

    async def profile(self, user: str) -> None:
        """Nobody has a name."""

    async def show_loading(self, user: str, seconds: int = 20) -> None:
        """Nobody looks."""

    async def mark_as_read(self, token: str) -> None:
        """Nobody looks."""


class Model:
    """Stands for the language model: says what it was told to say."""

    name = "small"
    prompt_id = "abc123"

    def __init__(self, verdict: Verdict | None) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, list[str]]] = []
        self.heard: list[tuple[Utterance, ...]] = []
        self.background: list[bool] = []
        self.called: tuple[str, ...] = ()

    async def adjudicate(
        self,
        text: str,
        candidates: Sequence[Entry],
        history: Sequence[Utterance] = (),
        *,
        names: tuple[str, ...] = (),
        background: bool = False,
    ) -> Verdict:
        self.called = names
        self.asked.append((text, [candidate.id for candidate in candidates]))
        self.heard.append(tuple(history))
        self.background.append(background)
        if self.verdict is None:
            raise ModelUnavailable("no answer within 4 s")
        return self.verdict


class Nothing:
    """Stands for the archive of a customer who never wrote."""

    async def talk_before(self, *_: object) -> tuple[list[Item], str | None]:
        return [], None


def parts(post: Post, phone: Phone, model: Adjudicator | None = None, delays: Sequence[float] = (0, 0)) -> Parts:
    return Parts(
        mailbox=cast("Mailbox", post),
        archive=cast("Archive", Nothing()),
        line=cast("Line", phone),
        knowledge=lambda: SHOP,
        advisor=Advisor(model, Notepad()) if model else None,
        signing_key=KEY,
        insist_delays_s=delays,
        burst_ms=0,
    )


def lease(
    *raws: str,
    state: State = "bot",
    first: Head | None = None,
    handoff: HandoffRecord | None = None,
    now: int = NOON_MS,
) -> Lease:
    return Lease(
        token="t",
        conversation=Conversation(customer=CUSTOMER, state=state, handoff=handoff.id if handoff else None),
        now=now,
        ends_at=math.inf,
        box=tuple(Waiting(f"01E{number}", now, raw) for number, raw in enumerate(raws, 1)),
        head=first,
        handoff=handoff,
    )


def raw(text: str, number: int = 1) -> str:
    source = {"type": "user", "userId": CUSTOMER}
    said = {"id": f"m{number}", "type": "text", "text": text}
    event = {"type": "message", "timestamp": NOON_MS + number, "source": source, "message": said}
    return msgspec.json.encode(event).decode()


def head(item: Outgoing, *, mode: str = "reply", tries: int = 0, now: int = NOON_MS, token_at: int = NOON_MS) -> Head:
    attempt = Attempt(
        mode="push" if mode == "push" else "reply",
        tries=tries,
        by_bot=item.who == "bot",
        said_at=item.said_at,
        token_at=token_at,
        first_try=now if tries else 0,
        now=now,
    )
    return Head(item, attempt, "" if mode == "push" else "reply-token")


def answer(item_id: str = "01E1.out", *words: str, fallback: bool = True) -> Outgoing:
    """An answer of the bot's, as COMMIT puts it into the outbox."""
    spoken = words or ("はい。",)
    instead = open_handoff("h1", Handoff("late"), turn(SURE), customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE)
    return Outgoing(
        id=item_id,
        who="bot",
        key=f"key of {item_id}",
        kind="answer",
        messages=tuple({"type": "text", "text": text} for text in spoken),
        bubbles=tuple(
            BubbleItem(id=f"{item_id}.{number}", turn="01E1", at=NOON, who="bot", text=text)
            for number, text in enumerate(spoken)
        ),
        said_at=NOON_MS,
        fallback=instead if fallback else None,
    )


STAFF = reply_by_staff(("承ります。",), action="a1", customer=CUSTOMER, staff="佐藤", now=NOON)
