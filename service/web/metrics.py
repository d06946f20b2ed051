"""`/metrics` in Prometheus' text format: one look at Redis (VITALS), told as counters and gauges.

The counters are not this process's own: they are counted in Redis, so every web process shows the same ones. Labels are
codes of ours; nothing here knows a customer.
"""

from collections.abc import Iterator
from typing import get_args

import structlog
from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.adapters.vitals import Reading, Vitals
from service.core.calibration import CalibrationState
from service.core.counting import known_names
from service.core.plan import OutKind
from service.core.spending import ModelState
from service.errors import StoreUnavailable

log = structlog.get_logger()

_MEDIA_TYPE = "text/plain; version=0.0.4"  # Litestar adds the charset

_SENT_BY_LINE = tuple(kind for kind in get_args(OutKind) if kind != "alert")
# The first word of a counted name, the metric, its labels (the words that follow), what it says.
_COUNTERS = (
    ("turn", "henji_turns", ("decision", "reason"), "Turns decided."),
    ("send", "henji_sends", ("kind", "mode", "outcome"), "Requests to LINE that came to an end."),
    ("billed", "henji_billed_messages", (), "Messages that cost one of the month's quota."),
    ("replaced", "henji_answers_replaced", ("reason",), "Answers not sent for sure, and handed over instead."),
    ("alert", "henji_alerts", ("outcome",), "Alerts to staff that came to an end, by address."),
    ("model", "henji_model_requests", ("task", "result"), "Requests to the language model that came to an end."),
    ("draft", "henji_drafts", ("result",), "Replies drafted for staff."),
    ("tokens", "henji_model_tokens", ("way",), "Tokens sent to the language model and received from it."),
    ("event", "henji_webhook_events", ("result",), "Events that LINE posted, stored or known already."),
    ("dead", "henji_dead_letters", ("reason",), "Messages and replies that failed for good."),
)


class Collection(Collector):
    """What one look found; None when Redis did not answer."""

    def __init__(self, found: Reading | None) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Give every metric there is; one whose value is not known is left out."""
        yield _gauge("store_up", "Whether Redis answered; all else is there only if it did.", self._found is not None)
        if self._found:
            yield from _counters(self._found.counts)
            yield from _waiting(self._found)
            yield from _handoffs(self._found)
            yield from _workers(self._found)
            if self._found.model:
                yield from _model(self._found.model)


def _counters(counts: dict[str, int]) -> Iterator[Metric]:
    counts = dict.fromkeys(known_names(_SENT_BY_LINE), 0) | counts
    for word, name, labels, says in _COUNTERS:
        metric = CounterMetricFamily(name, says, labels=labels)
        for counted, count in counts.items():
            first, *values = counted.split(" ")
            if first == word:
                metric.add_metric(values, count)
        yield metric


def _waiting(found: Reading) -> Iterator[Metric]:
    states = {"due": found.due, "parked": found.parked, "leased": found.leased}
    yield _gauges("conversations", "Conversations in which something waits or is being done.", "state", states)
    yield _age("oldest_message", "of the oldest message not decided yet", found.oldest_message_ms)
    yield _age("oldest_unsent", "of what the oldest unsent item replies to", found.oldest_unsent_ms)
    yield _gauge("dead_letters_kept", "Dead letters that are there now.", found.dead)


def _handoffs(found: Reading) -> Iterator[Metric]:
    statuses = {"waiting": found.waiting, "active": found.active, "done": found.done}
    yield _gauges("handoffs", "Handoffs.", "status", statuses)
    yield _age("oldest_unreplied", "of the open handoff that is the longest unreplied", found.oldest_unreplied_ms)


def _workers(found: Reading) -> Iterator[Metric]:
    """What is not there unless a worker has said it."""
    if found.heartbeat_ms is not None:
        yield _age("worker_heartbeat", "of the last sign of any worker", found.heartbeat_ms)
    if found.knowledge:
        yield _gauges("knowledge_info", "The version of the FAQ in use.", "version", {found.knowledge: 1})
    if found.calibration:
        states = {state: int(state == found.calibration) for state in get_args(CalibrationState)}
        yield _gauges("knowledge_calibration", "What its calibration is worth.", "state", states)
    if found.entries is not None:
        yield _gauge("knowledge_entries", "Entries of the FAQ in use.", found.entries)
    if found.quota_limit is not None:
        yield _gauge("line_quota_limit", "Messages that LINE allows this month.", found.quota_limit)
    if found.quota_used is not None and found.quota_at is not None:
        yield _gauge("line_quota_used", "Messages of the quota that are used, by LINE's count.", found.quota_used)
        yield _age("line_quota", "of what LINE said about the quota", found.now - found.quota_at)


def _model(model: ModelState) -> Iterator[Metric]:
    yield _gauge("model_spent", "What the language model has cost today.", model.spent)
    if model.budget is not None:
        yield _gauge("model_budget", "What it may cost in a day.", model.budget)
    yield _gauge(
        "model_shut_seconds", "How long it is not asked for having failed; 0 while it works.", model.shut_ms / 1000
    )


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"henji_{name}", says, value=value)


def _age(name: str, of_what: str, ms: int) -> Metric:
    return _gauge(f"{name}_age_seconds", f"Age {of_what}.", max(0, ms) / 1000)


def _gauges(name: str, says: str, label: str, values: dict[str, int]) -> Metric:
    metric = GaugeMetricFamily(f"henji_{name}", says, labels=[label])
    for code, value in values.items():
        metric.add_metric([code], value)
    return metric


@get("/metrics", include_in_schema=False)
async def show_metrics(vitals: NamedDependency[Vitals]) -> Response[bytes]:
    """Show all metrics; without Redis, that it is away."""
    try:
        found = await vitals.read()
    except StoreUnavailable as error:
        log.warning("redis_away", error=str(error))
        found = None
    return Response(render(found), media_type=_MEDIA_TYPE)


def render(found: Reading | None) -> bytes:
    """Write what one look found as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(Collection(found))
    return generate_latest(registry)
