"""What `./henji doctor` makes of the facts it was told. Each judgement is one finding, which is one line on the screen.

English, with Japanese names where the shop's owner has to press something in LINE's own screens.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from service.core.decisions import Pick, Verdict
from service.core.quota import use_by_end
from service.core.spending import ModelState

Level = Literal["ok", "warn", "FAIL", "look"]

_MUCH = 0.8
_OFF_S, _FAR_OFF_S = 2.0, 30.0
_OLDEST_REDIS = (6, 2)
WEBHOOK_PATH = "/webhook/line"


class Finding(msgspec.Struct, frozen=True):
    """One line: how it stands, what was looked at, what was found, what to do about it. `look` is for the owner."""

    level: Level
    what: str
    found: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.level:<4}  {self.what}: {self.found}" + (f" ({self.todo})" if self.todo else "")


class StoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a Redis tells about itself. None is what it does not tell: managed servers forbid CONFIG, some INFO too.

    Sizes are bytes, `memory_limit` 0 means none. `needs_replica` is True behind Sentinel and in a Cluster, `replicas`
    are those connected now.
    """

    name: str
    version: str | None
    appendonly: bool | None
    appendfsync: str | None
    write_failed: bool
    eviction: str | None
    memory_used: int | None
    memory_limit: int
    is_replica: bool
    needs_replica: bool
    replicas: int


def judge_chat_mode(mode: str) -> Finding:
    """Judge the account's chat switch (Get bot info): off, staff cannot talk to customers in LINE's own screens."""
    if mode == "chat":
        return Finding("ok", "LINE chat", "on: staff can also reply in LINE Official Account Manager")
    todo = "LINE Official Account Manager › 設定 › 応答設定 › チャット: オン"
    if mode == "bot":
        return Finding("warn", "LINE chat", "off: staff cannot reply in LINE Official Account Manager", todo)
    return Finding("warn", "LINE chat", f"LINE calls it {mode!r}, which this version does not know", todo)


def judge_webhook(url: str | None, *, active: bool, public_url: str | None) -> Finding:
    """Judge where LINE posts webhooks. `public_url` is this service's own address, where that is known."""
    expected = f"{public_url.rstrip('/')}{WEBHOOK_PATH}" if public_url else f"https://<this service>{WEBHOOK_PATH}"
    todo = f"LINE Developers コンソール › Messaging API設定 › Webhook URL: {expected}"
    if url is None:
        return Finding("FAIL", "LINE webhook", "no address is set", todo)
    if not active:
        return Finding("FAIL", "LINE webhook", f"switched off, {url}", "Messaging API設定 › Webhookの利用: オン")
    if public_url and url != expected:
        return Finding("FAIL", "LINE webhook", f"goes elsewhere, {url}", todo)
    if not re.fullmatch(rf"https?://[^/?#]+{WEBHOOK_PATH}", url):
        return Finding("warn", "LINE webhook", f"on, but {url} does not end in {WEBHOOK_PATH}", todo)
    return Finding("ok", "LINE webhook", f"on, {url}")


def judge_webhook_test(*, success: bool, reason: str, detail: str) -> Finding:
    """Judge what LINE met when it posted an empty webhook (Test webhook endpoint)."""
    if success:
        return Finding("ok", "LINE webhook test", "LINE posted to it and was answered")
    found = f"LINE could not deliver: {reason} {detail}".rstrip()
    return Finding(
        "FAIL", "LINE webhook test", found, "is the service running, with https, and is LINE_CHANNEL_SECRET right?"
    )


def judge_quota(limit: int | None, used: int, now: datetime) -> Finding:
    """Judge this month's pushes, and how many there will be at its end if the month goes on as it began."""
    if limit is None:
        return Finding("ok", "LINE quota", f"{used} pushes this month, no limit")
    found = f"{used} of {limit} pushes used this month"
    todo = "replies are free, pushes are not; a larger plan: LINE Official Account Manager › 利用と請求"
    if used >= limit:
        return Finding("FAIL", "LINE quota", f"{found}: late answers and staff's replies cannot be sent", todo)
    forecast = use_by_end(used, now)
    expected = used if forecast is None else forecast
    found += ", too early for a forecast" if forecast is None else f", about {forecast} by its end"
    if expected > _MUCH * limit:
        return Finding("warn", "LINE quota", found, todo)
    return Finding("ok", "LINE quota", found)


def judge_clock(whose: str, before: float, earliest: float, latest: float, after: float) -> Finding:
    """Judge the difference between two clocks, all in seconds since 1970.

    Their clock stood between `earliest` and `latest` at some moment between our `before` and `after`; only what this
    does not explain is a difference.
    """
    ahead, behind = earliest - after, before - latest
    off = max(ahead, behind, 0.0)
    found = f"{off:.1f} s {'behind' if behind > ahead else 'ahead of'} this machine's"
    if off > _OFF_S:
        level = "FAIL" if off > _FAR_OFF_S else "warn"
        return Finding(level, f"{whose} clock", found, "let both machines set their clocks by NTP")
    return Finding("ok", f"{whose} clock", "agrees with this machine's")


def judge_store(facts: StoreFacts) -> list[Finding]:
    """Judge whether this Redis keeps what it acknowledged (docs/delivery.md, rule 5)."""
    return [
        _judge_version(facts),
        _judge_durability(facts),
        _judge_memory(facts),
        *([_judge_replicas(facts)] if facts.needs_replica or facts.is_replica else []),
    ]


def _judge_version(facts: StoreFacts) -> Finding:
    if facts.version is None:
        return Finding("warn", "Redis", f"{facts.name}: cannot see which version", "6.2 or newer is needed")
    found = f"{facts.name}, as good as Redis {facts.version}"
    numbers = tuple(int(part) if part.isdecimal() else 0 for part in facts.version.split("."))
    if numbers < _OLDEST_REDIS:
        return Finding("FAIL", "Redis", found, "6.2 or newer is needed")
    return Finding("ok", "Redis", found)


def _judge_durability(facts: StoreFacts) -> Finding:
    what = "Redis durability"
    if facts.write_failed:
        return Finding("FAIL", what, "its last write to the disk failed", "is the disk full?")
    if facts.appendonly is None:
        return Finding("warn", what, "cannot see appendonly", "it has to be yes, with appendfsync always")
    if not facts.appendonly:
        found, todo = "appendonly no: a crash loses messages", "appendonly yes, appendfsync always"
        level = "warn" if facts.replicas else "FAIL"
        return Finding(level, what, found + (", unless a replica takes over" if facts.replicas else ""), todo)
    if facts.appendfsync is None:
        found = "appendonly yes, cannot see appendfsync (the server forbids CONFIG)"
        return Finding("warn", what, found, "it has to be always")
    found = f"appendonly yes, appendfsync {facts.appendfsync}"
    if facts.appendfsync != "always":
        return Finding("warn", what, f"{found}: a crash loses the last moments", "appendfsync always")
    return Finding("ok", what, found)


def _judge_memory(facts: StoreFacts) -> Finding:
    what = "Redis memory"
    used = "cannot see how much is used" if facts.memory_used is None else f"{_mb(facts.memory_used)} MB used"
    found = f"{used} of {_mb(facts.memory_limit)} MB" if facts.memory_limit else f"{used}, no limit set"
    if facts.eviction is None:
        return Finding("warn", what, f"{found}, cannot see maxmemory-policy", "it has to be noeviction")
    found += f", {facts.eviction}"
    if facts.eviction != "noeviction":
        level = "FAIL" if facts.memory_limit else "warn"
        return Finding(level, what, f"{found}: when full it forgets messages", "maxmemory-policy noeviction")
    if facts.memory_limit and (facts.memory_used or 0) > _MUCH * facts.memory_limit:
        return Finding("warn", what, found, "raise maxmemory, or lower HENJI_RETENTION_DAYS")
    return Finding("ok", what, found)


def _judge_replicas(facts: StoreFacts) -> Finding:
    what = "Redis replicas"
    if facts.is_replica:
        return Finding(
            "FAIL", what, "this server is a replica itself and takes no writes", "let REDIS_URL name the primary"
        )
    if not facts.replicas:
        return Finding(
            "FAIL", what, "none connected: no write is acknowledged, so no message is taken", "add a replica"
        )
    return Finding("ok", what, f"{facts.replicas} connected")


def judge_alerts(addresses: Sequence[str], public_url: str | None) -> Finding:
    """Judge how staff hear of a customer who waits; `addresses` are the kinds of HENJI_NOTIFY's (Slack, E-Mail)."""
    if not addresses:
        found = "no address: only browsers with 通知を受け取る are told when a customer waits"
        return Finding("look", "alerts", found, "HENJI_NOTIFY, see the README")
    found = f"go to {', '.join(addresses)}"
    if not public_url:
        return Finding("warn", "alerts", f"{found}, without a link to the handoff", "HENJI_PUBLIC_URL")
    return Finding("ok", "alerts", f"{found}, with links to {public_url}")


def judge_alert_test(number: int, kind: str, why: str, *, accepted: bool) -> Finding:
    """Judge the test alert at one address, `number` from 1; `why` is what Apprise says about a failure."""
    if accepted:
        return Finding("ok", f"test alert {number}", f"{kind} accepted it: did it arrive?")
    found = f"{kind} did not accept it" + (f": {why}" if why else "")
    return Finding("FAIL", f"test alert {number}", found, f"address {number} of HENJI_NOTIFY")


def judge_embeddings(name: str, length: int, took_s: float, budget_s: float) -> Finding:
    """Whether an embedding model answers in the time that a decision waits for it."""
    found = f"{name} gave a vector of {length} numbers after {took_s:.1f} s"
    if took_s > budget_s:
        return Finding("warn", "embeddings", found, f"a decision waits {budget_s:g} s and then does without it")
    return Finding("ok", "embeddings", found)


def judge_model(name: str, verdict: Verdict, expected: str, took_s: float) -> Finding:
    """Judge a trial question, to which `expected` is the only right entry."""
    found = f"{name} answered a trial question in {took_s:.1f} s (that cost one request)"
    if isinstance(verdict, Pick) and verdict.entry == expected:
        return Finding("ok", "model", found)
    return Finding("warn", "model", f"{found}, but wrongly: {verdict}", "a stronger OPENAI_MODEL")


def judge_spending(state: ModelState | None, *, priced: bool) -> Finding:
    """Judge what the workers have spent on the model today; `priced`: in money, else in millions of tokens."""
    what = "model today"
    if state is None:
        return Finding("ok", what, "the service has not asked it yet")
    unit = "" if priced else " million tokens"
    found = f"{state.spent:.4g}{unit} used, " + ("no limit" if state.budget is None else f"of {state.budget:.4g}")
    if state.shut_ms:
        todo = "OPENAI_BASE_URL, OPENAI_API_KEY; the server's own log"
        return Finding("warn", what, f"{found}; it failed again and again and is left alone for a while", todo)
    if state.budget is not None and state.spent > _MUCH * state.budget:
        return Finding("warn", what, found, "HENJI_MODEL_BUDGET; without the model customers are asked back more often")
    return Finding("ok", what, found)


def judge_faq(entries: int, errors: int, warnings: int) -> Finding:
    """Judge the FAQ folder by what its loader counted."""
    found = f"{entries} entries, {errors} errors, {warnings} warnings"
    todo = "./henji faq check tells where" if errors or warnings else ""
    return Finding("FAIL" if errors or not entries else "warn" if warnings else "ok", "FAQ", found, todo)


# LINE's API does not tell these (reference/line-messaging-api.md section 3.1): the owner has to look.
REMINDERS = (
    Finding(
        "look", "応答メッセージ", "応答設定 › 応答メッセージ: オフ", "else LINE's own answer comes first, or both do"
    ),
    Finding("look", "AIチャットボット(β)", "オフ", "as above"),
    Finding(
        "look",
        "あいさつメッセージ",
        "応答設定 › あいさつメッセージ: オン / オフ",
        "as you like: Henji itself does not welcome new friends",
    ),
    Finding(
        "look",
        "Webhookの再送",
        "LINE Developers コンソール › Messaging API設定 › Webhookの再送: オン",
        "LINE posts again what could not be taken",
    ),
)


def _mb(size: int) -> int:
    return -(-size // 1_000_000)
