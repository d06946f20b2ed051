"""What was probably meant by a word that is none of those allowed."""

import difflib
from collections.abc import Iterable


def nearest(written: str, allowed: Iterable[str]) -> str | None:
    """Find the allowed word that comes closest, if any is close enough to be a slip."""
    return next(iter(difflib.get_close_matches(written.casefold(), list(allowed), n=1, cutoff=0.6)), None)


def advice(written: str, allowed: Iterable[str]) -> tuple[str, str]:
    """Say what to write instead, in Japanese and English: the nearest word, or all of them."""
    words = list(allowed)
    if near := nearest(written, words):
        return f"「{near}」のことですか。", f'Did you mean "{near}"?'
    return f"使えるのは {', '.join(words)} です。", f"Allowed are {', '.join(words)}."
