"""The log: one JSON object a line on stderr, of ids, codes and times. Never a customer's words, a secret or a token."""

import logging
import sys
import traceback
from types import TracebackType
from typing import cast

import structlog
from structlog.processors import ExceptionRenderer, JSONRenderer, TimeStamper, add_log_level

from service.errors import HenjiError

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def log_to_stderr() -> None:
    """Set up the log of this process, for our own lines and for what libraries have to say.

    Theirs from WARNING on: at DEBUG the LINE SDK logs customers' profiles.
    """
    stamped = [add_log_level, TimeStamper(fmt="iso")]
    rendered = [ExceptionRenderer(_tell_without_words), JSONRenderer()]
    structlog.configure(processors=[*stamped, *rendered], logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=stamped,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _tell_without_words(exc_info: _ExcInfo) -> str:
    """Say what kind of error it was and where, with all that led to it. Only our own errors say what they say.

    A library's may quote what it was given: a parser shows what it could not read, and that is what a customer wrote.
    """
    chain: list[BaseException] = []
    error: BaseException | None = exc_info[1]
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(_tell_one(error) for error in reversed(chain))


def _tell_one(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    told = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__), kind]
    if isinstance(error, HenjiError):
        told.append(f": {error}")
    if isinstance(error, BaseExceptionGroup):
        parts = cast("tuple[BaseException, ...]", error.exceptions)
        told += ["\n" + _tell_one(part) for part in parts]
    return "".join(told)
