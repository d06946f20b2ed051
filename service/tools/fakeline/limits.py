"""Rate limits: one token bucket per endpoint, as the Messaging API reference lists them under "Rate limits"."""

from collections.abc import Callable

DEFAULT_PER_SECOND = 2000.0
PER_SECOND = {"loading": 100.0, "oauth": 370.0, "webhook_test": 60 / 3600, "webhook_endpoint": 1000 / 60}
BURST = {"webhook_test": 60.0, "webhook_endpoint": 1000.0}


class RateLimits:
    """Buckets that fill at the documented rates on the fake's clock. `per_second` and `burst` may be changed."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}
        self.per_second = dict(PER_SECOND)
        self.burst = dict(BURST)

    def allow(self, endpoint: str) -> bool:
        """Take one request out of the endpoint's bucket; False when it is empty."""
        rate = self.per_second.get(endpoint, DEFAULT_PER_SECOND)
        size = self.burst.get(endpoint, rate)
        now = self._clock()
        level, since = self._levels.get(endpoint, (size, now))
        level = min(size, level + (now - since) * rate)
        allowed = level >= 1
        self._levels[endpoint] = (level - allowed, now)
        return allowed
