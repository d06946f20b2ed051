"""The Japanese tokenizer: Sudachi, where it is installed (`pip install sudachipy sudachidict-small`).

It finds words that the cut by script cannot: 染めたい and 染める are one, かみ is none. A few points more of the
questions are answered with it. Its name and versions go into every calibration, because other words are other numbers.
"""

import importlib.metadata
from collections.abc import Callable
from typing import Any, Literal

from service.core.features import Tokenizer
from service.errors import SettingsError

Choice = Literal["auto", "sudachi", "none"]
# Particles, auxiliaries, signs: grammar and politeness, which say nothing about the question.
_GRAMMAR = frozenset({"助詞", "助動詞", "補助記号", "記号", "空白"})
# Sudachi refuses texts of more than 49,149 bytes.
_LONGEST = 10_000


def open_tokenizer(choice: Choice = "auto") -> Tokenizer | None:
    """Load Sudachi with its small dictionary; None for "none", and for "auto" where it is not installed.

    Raises SettingsError when it was asked for by name and is missing.
    """
    if choice == "none":
        return None
    try:
        from sudachipy import Dictionary, SplitMode

        dictionary: Any = Dictionary(dict="small")
        names = ("sudachipy", "sudachidict-small")
        name = " ".join(f"{package} {importlib.metadata.version(package)}" for package in names)
    except ImportError as error:
        if choice == "auto":
            return None
        raise SettingsError([f"HENJI_TOKENIZER: {error}. pip install sudachipy sudachidict-small"]) from error
    return Tokenizer(name, _cutter(dictionary.tokenizer(mode=SplitMode.A)))


def _cutter(tokenizer: Any) -> Callable[[str], list[str]]:
    def cut(text: str) -> list[str]:
        found = tokenizer.tokenize(text[:_LONGEST])
        return [word.normalized_form() for word in found if word.part_of_speech()[0] not in _GRAMMAR]

    return cut
