"""What calls to a language model cost, and how they are kept from costing more than a shop wants in a day.

Money is counted in millionths of the owner's currency: a token at a price of P per million tokens is P of them.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

# Background work may use this share of a day's budget: customers' questions go first.
BACKGROUND_SHARE = 0.5
# So many failures in a row, and the server is left alone for a while.
FAILURES = 3
# In every tokenizer that is in use a token has three bytes of UTF-8 or more on average, Japanese and English alike.
_BYTES_PER_TOKEN = 3


# A server elsewhere without a price set: so many millions of tokens a day.
TOKENS_ELSEWHERE = 1.0


class Usage(msgspec.Struct, frozen=True):
    """How many tokens a request held, and how many its answer."""

    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    completion_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0


class Tariff(msgspec.Struct, frozen=True):
    """Prices of a million tokens sent and received, and the budget of a day, all in one currency.

    With both prices 1 the budget counts millions of tokens. Without a `budget` there is no limit.
    """

    sent: float = 1.0
    received: float = 1.0
    budget: float | None = None

    def cost(self, usage: Usage) -> int:
        """What it costs, in millionths, rounded up."""
        return math.ceil(usage.prompt_tokens * self.sent + usage.completion_tokens * self.received)

    def limit(self, *, background: bool) -> int:
        """What may be spent in a day in millionths; -1 for no limit."""
        if self.budget is None:
            return -1
        return math.floor(self.budget * 1e6 * (BACKGROUND_SHARE if background else 1))


class ModelState(msgspec.Struct, frozen=True):
    """How it stands with the language model: what was spent today of which budget (None: no limit), both in the owner's
    currency; and how long it is left alone for having failed, in ms: 0 while it works.
    """

    spent: float
    budget: float | None
    shut_ms: int


def read_state(fields: Sequence[str | None], now: int) -> ModelState | None:
    """Read the ledger's `spent`, `day_ends`, `budget`, `failures`, `shut_until`; None before the first request."""
    spent, day_ends, budget, failures, shut_until = (int(float(field)) if field else 0 for field in fields)
    if not day_ends:
        return None
    is_shut = failures >= FAILURES
    return ModelState(
        spent=spent / 1e6 if now < day_ends else 0,
        budget=None if budget < 0 else budget / 1e6,
        shut_ms=max(shut_until - now, 1) if is_shut else 0,
    )


def estimate(texts: list[str], max_tokens: int) -> Usage:
    """What a request may cost at most or nearly so, before it is sent: its length, and all that it may be answered."""
    size = sum(len(text.encode(errors="replace")) for text in texts)
    return Usage(math.ceil(size / _BYTES_PER_TOKEN), max_tokens)


def end_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    """When the shop's day is over."""
    local = now.astimezone(zone)
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
