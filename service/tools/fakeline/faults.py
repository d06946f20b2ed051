"""Faults on the API side, scripted by a test: at which call, and before or after LINE accepted the request.

"Before" means that nothing was accepted: no reply token is used up, no retry key is burnt. "After" means that the
customer has the message while the bot gets a broken answer. Fact sheet section 6, point 12.
"""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

When = Literal["before", "after"]


@dataclass(frozen=True)
class Call:
    """One request to the API. `status` is None while it runs and when the connection was dropped.

    `request_json` is None for a body that is not JSON. Header names in `headers` are lower case.
    """

    endpoint: str
    method: str
    path: str
    request_json: Any
    headers: Mapping[str, str]
    status: int | None = None


@dataclass(eq=False)
class Fault:
    """Something that goes wrong with a call; `fired` counts how often it did. Made by the constructors below.

    The steps always run in this order: `before`, wait, refuse or drop, accept, `after`, wait, spoil the answer or drop.
    """

    name: str
    before: Callable[[Call], Awaitable[None]] | None = None
    after: Callable[[Call], Awaitable[None]] | None = None
    wait_before_s: float = 0.0
    wait_after_s: float = 0.0
    accepts: bool = True
    delivers: bool = True
    drops: bool = False
    goes_stale: bool = False
    answer: tuple[int, bytes, str] | None = None
    extra: Mapping[str, Any] | None = None
    fired: int = field(default=0, init=False)

    @classmethod
    def status(
        cls,
        status: int,
        body: bytes = b'{"message":"Internal server error"}',
        *,
        content_type: str = "application/json",
        accepted: bool = False,
    ) -> "Fault":
        """Answer `status` with exactly these bytes (HTML, or bytes that are not UTF-8, come from proxies in life)."""
        return cls(f"status {status}", accepts=accepted, answer=(status, body, content_type))

    @classmethod
    def reset_before(cls) -> "Fault":
        """Drop the connection with nothing accepted."""
        return cls("reset before", accepts=False, drops=True)

    @classmethod
    def reset_after(cls) -> "Fault":
        """Accept, then drop the connection without an answer."""
        return cls("reset after", drops=True)

    @classmethod
    def hang(cls, seconds: float, *, accepted: bool) -> "Fault":
        """Say nothing for `seconds`, then drop the connection; the request was accepted at once, or never is."""
        return cls(f"hang {seconds} s", accepts=accepted, wait_after_s=seconds, drops=True)

    @classmethod
    def latency(cls, seconds: float) -> "Fault":
        """Accept and answer as usual, `seconds` late: a client that gave up meanwhile has sent all the same."""
        return cls(f"latency {seconds} s", wait_before_s=seconds)

    @classmethod
    def empty_200(cls) -> "Fault":
        """Accept, and answer 200 with an empty body."""
        return cls("empty 200", answer=(200, b"", "application/json"))

    @classmethod
    def undelivered(cls) -> "Fault":
        """Accept and answer 200, and show the customer nothing (it happened on 2022-07-28)."""
        return cls("undelivered", delivers=False)

    @classmethod
    def extra_fields(cls, **fields: Any) -> "Fault":
        """Answer as usual with unknown properties added: LINE adds some without notice."""
        return cls("extra fields", extra=fields or {"addedWithoutNotice": {"by": "LINE"}})

    @classmethod
    def stale_keep_alive(cls) -> "Fault":
        """Answer as usual; the next request that comes over the same connection finds it closed."""
        return cls("stale keep-alive", goes_stale=True)

    @classmethod
    def callback(cls, function: Callable[[Call], Awaitable[None]], when: When = "before") -> "Fault":
        """Await `function(call)` before anything is accepted, or between acceptance and the answer."""
        return cls("callback", before=function) if when == "before" else cls("callback", after=function)


@dataclass(frozen=True)
class _Standing:
    matches: Callable[[Call], bool]
    fault: Fault


class Faults:
    """The script of faults. For each call the first that applies: outage, `next`, `when`, `random`.

    Endpoint names: reply, push, validate_reply, loading, mark_as_read, profile, info, quota, consumption, content,
    preview, transcoding, oauth, webhook_endpoint, webhook_test.
    """

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._standing: list[_Standing] = []
        self._outage: Fault | None = None
        self._lottery: tuple[Random, float, Sequence[Fault], Sequence[str]] | None = None

    def next(self, endpoint: str, *faults: Fault | None) -> None:
        """Let the next calls of `endpoint` meet these faults, one each, in order; None lets a call pass."""
        self._queues[endpoint].extend(fault or Fault("none") for fault in faults)

    def when(self, matches: Callable[[Call], bool], fault: Fault) -> None:
        """Let every call for which `matches(call)` is true meet `fault`, until `clear`."""
        self._standing.append(_Standing(matches, fault))

    def random(
        self, seed: int, rate: float, kinds: Sequence[Fault], endpoints: Sequence[str] = ("reply", "push")
    ) -> None:
        """Let a share `rate` (0 to 1) of the calls meet one of `kinds`, drawn by a generator seeded with `seed`."""
        self._lottery = (Random(seed), rate, kinds, endpoints)  # noqa: S311 - a test wants to repeat it

    def outage(self, on: bool, fault: Fault | None = None) -> None:  # noqa: FBT001 - outage(True) reads well
        """Begin or end an outage: every call meets `fault`, 503 unless told otherwise."""
        self._outage = (fault or Fault.status(503)) if on else None

    def clear(self) -> None:
        """Let everything work again. Counts of faults stay."""
        self._queues.clear()
        self._standing.clear()
        self._outage = self._lottery = None

    def take(self, call: Call) -> Fault | None:
        """Take the fault that `call` meets, and count it."""
        fault = self._outage or self._queued(call) or self._standing_for(call) or self._drawn(call)
        if fault is not None:
            fault.fired += 1
        return fault

    def _queued(self, call: Call) -> Fault | None:
        queue = self._queues.get(call.endpoint)
        return queue.popleft() if queue else None

    def _standing_for(self, call: Call) -> Fault | None:
        return next((each.fault for each in self._standing if each.matches(call)), None)

    def _drawn(self, call: Call) -> Fault | None:
        if self._lottery is None:
            return None
        lottery, rate, kinds, endpoints = self._lottery
        return lottery.choice(kinds) if call.endpoint in endpoints and lottery.random() < rate else None
