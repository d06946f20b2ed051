"""The error tree, whole, on one screen.

Every error that crosses a module's border is one of these. `temporary` tells the caller whether trying the same
thing again later can help. A library's own exceptions are translated in the one adapter that calls it.
"""


class HenjiError(Exception):
    """Root of every error raised on purpose."""

    temporary = False


class SettingsError(HenjiError):
    """The settings make no sense. `problems` holds one sentence per problem, all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class KnowledgeError(HenjiError):
    """The FAQ folder holds nothing that could be served. The text lists every problem as `file:line: message`."""


class FittingFailed(HenjiError):
    """The process that fits a calibration ended without one. The text says how, and quotes nothing of the FAQ."""


class InputError(HenjiError):
    """A file that was given to a command cannot be used. The text names the file, and the line where there is one."""


class StartError(HenjiError):
    """A part of the service could not be started (a port in use, a server binary missing)."""


class StoreUnavailable(HenjiError):
    """Redis is away, full or too slow. Nothing can be said about whether the last write was applied."""

    temporary = True


class StoreRefused(StoreUnavailable):
    """Redis is there and said no to just this: it is full, only to be read from, or what stands there does not fit."""


class LeaseLost(HenjiError):
    """The conversation's lease is no longer ours (expired, revoked by staff): stop, touch nothing."""

    temporary = True


class ModelUnavailable(HenjiError):
    """The language model gave no usable verdict in time. Never shown to customers: the decision falls back."""

    temporary = True


class LineUnavailable(HenjiError):
    """LINE gave no usable answer: no network, too slow, too many requests, an outage."""

    temporary = True


class LineRefused(HenjiError):
    """LINE said no, and will say so again. `status` is the HTTP status: 401 is a wrong access token."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}".strip())
        self.status = status


class NotFound(HenjiError):
    """No such record."""


class Conflict(HenjiError):
    """Somebody else was faster, or the record's state forbids the action."""


class WorkerUnavailable(HenjiError):
    """No worker has answered a question in time: none runs, or all are too busy."""

    temporary = True


class KeyReused(HenjiError):
    """An Idempotency-Key came again with another order than the first time."""


class TooManyAttempts(HenjiError):
    """Somebody tried to log in too often. `wait_s` is when to try again, in seconds."""

    temporary = True

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many attempts, try again in {wait_s} s")
        self.wait_s = wait_s
