"""The judge of `bench.faults`: what the service recorded, held against what LINE took and what each customer saw."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from bench.rig import PREFIX
from service.adapters.archive import Archive
from service.core.decisions import Answer, Clarify, Silent
from service.core.plan import retry_key
from service.core.records import BubbleItem, HandoffRecord, MessageItem, TraceItem
from service.tools.fakeline.records import Json, Seen
from service.tools.fakeline.server import FakeLine

WRONG = ("lost", "doubled", "out of order", "seen though failed", "readable after unsend", "unasked")


@dataclass
class Written:
    """One event that a customer caused. Times are the fake LINE's: first tried, answered 200 (None: never)."""

    event: Json
    customer: str
    text: str
    started: float
    taken: float | None = None
    unsent: bool = False

    @property
    def id(self) -> str:
        return str(self.event["webhookEventId"])

    @property
    def is_message(self) -> bool:
        return self.event["type"] == "message"


@dataclass
class Verdict:
    """What was counted, and a line for everything that is wrong."""

    counts: Counter[str] = field(default_factory=Counter[str])
    notes: list[str] = field(default_factory=list[str])
    longest_wait_s: float = 0.0

    def wrong(self, what: str, customer: str, detail: object) -> None:
        self.counts[what] += 1
        self.notes.append(f"{what}: {customer[:9]} {detail}")


class Judge:
    """Judges one customer after the other; `verdict` grows."""

    def __init__(self, fake: FakeLine, archive: Archive, handoffs: dict[str, HandoffRecord]) -> None:
        self.verdict = Verdict()
        self._fake = fake
        self._archive = archive
        self._handoffs = handoffs
        self._calls: defaultdict[str, list[str]] = defaultdict(list)
        for call in fake.calls:
            if call.endpoint in ("reply", "push") and isinstance(call.request_json, dict):
                body = cast("Json", call.request_json)
                line = fake.platform.reply_tokens.get(str(body.get("replyToken", "")))
                chat = line.chat if line else body.get("to")
                for message in body.get("messages", []):
                    self._calls[f"{chat} {message.get('text')}"].append(f"{call.endpoint} {call.status}")

    async def customer(self, customer: str, written: Sequence[Written]) -> None:
        """Judge all that happened between one customer and the service."""
        talk = await self._archive.talk(customer)
        traces = {item.turn: item for item in talk if isinstance(item, TraceItem)}
        bubbles = [item for item in talk if isinstance(item, BubbleItem)]
        said = {item.id: item for item in talk if isinstance(item, MessageItem)}
        for item in traces.values():
            self.verdict.counts[type(item.decision).__name__.lower()] += 1
        hidden = [each for each in self._fake.accepted_but_undelivered if each.user == customer]
        seen = sorted(self._fake.seen(customer) + hidden, key=lambda each: each.at)
        self._outcomes(customer, written, said, traces)
        self._bubbles(customer, bubbles, seen, traces)
        self._asked_once(customer, written, seen)
        shown = _match(bubbles, seen)
        self._order(customer, written, said, shown)
        for each in written:
            if each.id in said and (at := shown.get(said[each.id].turn)):
                self.verdict.longest_wait_s = max(self.verdict.longest_wait_s, at - each.started)

    def _outcomes(
        self,
        customer: str,
        written: Sequence[Written],
        said: dict[str, MessageItem],
        traces: dict[str, TraceItem],
    ) -> None:
        """Each event that was answered 200 has one outcome; of what was taken back no word is left."""
        passed_over = any(
            isinstance(each.decision, Silent) and each.decision.reason == "unsent" for each in traces.values()
        )
        for each in written:
            if each.taken is None:
                self.verdict.counts["never taken"] += 1
                continue
            self.verdict.counts["messages" if each.is_message else "other events"] += 1
            item = said.get(each.id)
            outcome = traces.get(item.turn if item else each.id)
            if outcome is None and not (each.unsent and passed_over):
                self.verdict.wrong("lost", customer, f"no outcome for {each.id} {each.text!r}")
            if each.unsent and item is not None:
                self.verdict.counts["blanked"] += 1
                if item.text or not item.unsent:
                    self.verdict.wrong("readable after unsend", customer, f"{item}")
        ours = {each.id: each for each in written}
        for turn in traces:
            is_message = turn in ours and ours[turn].is_message and not ours[turn].unsent
            if is_message and all(item.turn != turn for item in said.values()):
                self.verdict.wrong("doubled", customer, f"turn {turn} was decided but its messages belong to another")
        self._words_left(customer, [each for each in written if each.unsent and each.taken])

    def _words_left(self, customer: str, unsent: Sequence[Written]) -> None:
        for record in self._handoffs.values():
            words = json.dumps(msgspec.to_builtins(record), ensure_ascii=False)
            for each in unsent:
                if record.customer == customer and each.text and each.text in words:
                    self.verdict.wrong("readable after unsend", customer, f"{each.id} {each.text!r} in {record.id}")

    def _bubbles(
        self, customer: str, bubbles: Sequence[BubbleItem], seen: Sequence[Seen], traces: dict[str, TraceItem]
    ) -> None:
        """Every bubble recorded as sent was shown, and none more often than was decided."""
        due: Counter[str] = Counter()
        maybe: Counter[str] = Counter()
        for bubble in bubbles:
            self.verdict.counts[f"bubbles {bubble.delivery}"] += 1
            self.verdict.counts["billed"] += bubble.billed
            if bubble.delivery == "sent":
                due[bubble.text] += 1
            elif bubble.delivery in ("unconfirmed", "pending"):
                maybe[bubble.text] += 1
            if bubble.delivery == "pending":
                self.verdict.wrong("lost", customer, f"{bubble.id} is pending for ever")
            trace = traces.get(bubble.turn)
            if bubble.delivery in ("unconfirmed", "failed") and trace and isinstance(trace.decision, Answer | Clarify):
                self._handed_over(customer, bubble, trace.at)
        shown = Counter(each.text or "" for each in seen)
        failed = Counter(each.text for each in bubbles if each.delivery in ("failed", "superseded"))
        for words, count in (due - shown).items():
            self._unseen(customer, words, count)
        for words, count in (shown - due - maybe).items():
            what = "seen though failed" if failed[words] >= count else "doubled"
            self.verdict.wrong(what, customer, f"{count} of {words!r}: {self._calls[f'{customer} {words}']}")

    def _unseen(self, customer: str, words: str, count: int) -> None:
        calls = self._calls[f"{customer} {words}"]
        # LINE refused every try of a reply: the first refusal was forgotten with the worker (docs/delivery.md).
        refused_only = bool(calls) and set(calls) == {"reply 400"}
        if refused_only:
            self.verdict.counts["assumed"] += count
            self.verdict.notes.append(f"assumed: {customer[:9]} {words!r}: {calls}")
        else:
            self.verdict.wrong("lost", customer, f"sent but never seen: {words!r}: {calls}")

    def _handed_over(self, customer: str, bubble: BubbleItem, decided: datetime) -> None:
        own = retry_key("handoff", bubble.turn).replace("-", "")[:16]
        ours = [each for each in self._handoffs.values() if each.customer == customer]
        self.verdict.counts["answers handed over"] += own in self._handoffs
        if not any(each.id == own or each.done_at is None or each.done_at >= decided for each in ours):
            self.verdict.wrong("lost", customer, f"{bubble.delivery} answer without a handoff: {bubble.id}")

    def _asked_once(self, customer: str, written: Sequence[Written], seen: Sequence[Seen]) -> None:
        """Held against the customer's own words, whatever the records say: an answer for each question, at most."""
        asked = Counter(each.text for each in written)
        for words, count in Counter(each.text or "" for each in seen).items():
            question = words.removesuffix("の答えです。")
            if question != words and question.startswith("合言葉") and count > asked[question]:
                self.verdict.wrong("unasked", customer, f"{count} answers to {asked[question]} of {question!r}")

    def _order(
        self, customer: str, written: Sequence[Written], said: dict[str, MessageItem], shown: dict[str, float]
    ) -> None:
        """A question that LINE had handed over before another was even written is answered before it."""
        turns: defaultdict[str, list[Written]] = defaultdict(list)
        for each in written:
            if each.id in said and each.taken is not None:
                turns[said[each.id].turn].append(each)
        spans = [
            (min(e.started for e in events), max(e.taken or 0 for e in events), shown[turn], turn)
            for turn, events in turns.items()
            if turn in shown
        ]
        for _, taken, at, turn in spans:
            for started, _, later_at, later in spans:
                if taken < started and later_at < at:
                    self.verdict.wrong("out of order", customer, f"{turn} was answered after {later}")


def _match(bubbles: Sequence[BubbleItem], seen: Sequence[Seen]) -> dict[str, float]:
    """When the bot's bubble of each turn was shown: equal words are told apart by their order.

    Where nobody knows whether one of several with equal words was seen, none of them can be told apart.
    """
    unsure = {bubble.text for bubble in bubbles if bubble.delivery == "unconfirmed"}
    at: defaultdict[str, list[float]] = defaultdict(list)
    for each in seen:
        at[each.text or ""].append(each.at)
    return {
        bubble.turn: at[bubble.text].pop(0)
        for bubble in bubbles
        if bubble.turn and bubble.delivery == "sent" and bubble.text not in unsure and at[bubble.text]
    }


async def read_handoffs(redis: Redis) -> dict[str, HandoffRecord]:
    """All handoffs, by id."""
    found: dict[str, HandoffRecord] = {}
    async for key in cast("Any", redis.scan_iter(f"{PREFIX}handoff:*", count=1000)):
        record = msgspec.json.decode(cast("bytes", await redis.get(key)), type=HandoffRecord)
        found[record.id] = record
    return found
