"""The groundwork of reading `_shop.yaml`: collects problems, and takes texts, lists and pairs out of the tree."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from service.core.entries import Problem
from service.core.shopwords import Misread
from service.core.spelling import advice
from service.core.yamltext import Items, Pairs, Scalar, Value

T = TypeVar("T")
LONGEST_TEXT = 300


class Reader:
    """Takes values out of the tree of one file and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def error(self, line: int, ja: str, en: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, severity="error", ja=ja, en=en))

    def warn(self, line: int, ja: str, en: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, severity="warning", ja=ja, en=en))

    def unknown(self, key: Scalar, allowed: Iterable[str]) -> None:
        """Report a key that there is not, with the one that was meant."""
        ja, en = advice(key.text, allowed)
        self.error(key.line, f"「{key.text}」という項目はありません。{ja}", f'There is no key "{key.text}". {en}')

    def take(self, line: int, read: T | Misread) -> T | None:
        """Pass on what could be read; report what could not."""
        if isinstance(read, Misread):
            self.error(line, read.ja, read.en)
            return None
        return read

    def text(self, key: str, value: Value) -> str | None:
        """Take one line of text."""
        if not isinstance(value, Scalar):
            self.error(value.line, f"「{key}」には文字をひとつ書きます。", f'"{key}" takes one text.')
        elif len(value.text) > LONGEST_TEXT or "\n" in value.text:
            ja = f"「{key}」は1行で、{LONGEST_TEXT}文字までです。"
            self.error(value.line, ja, f'"{key}" is one line of at most {LONGEST_TEXT} characters.')
        else:
            return value.text
        return None

    def texts(self, key: str, value: Value) -> Sequence[Scalar]:
        """Take the texts of a list; one alone counts as a list of one."""
        values = value.values if isinstance(value, Items) else (value,)
        found = [each for each in values if isinstance(each, Scalar) and each.text]
        if len(found) < len(values):
            ja = f"「{key}」は [ひとつ目, ふたつ目] のような一覧で書きます。"
            self.error(value.line, ja, f'"{key}" is a list of texts, like [one, two].')
        return found

    def pairs(self, key: str, value: Value, example: str) -> Sequence[tuple[Scalar, Scalar]]:
        """Take pairs of texts; a list as a value counts as its texts, with commas between."""
        if not isinstance(value, Pairs):
            self.error(value.line, f"「{key}」は {example} のように書きます。", f'"{key}" is written like {example}.')
            return ()
        found: list[tuple[Scalar, Scalar]] = []
        for inner, said in value.pairs:
            if isinstance(said, Scalar) and not said.text:
                ja = f'「{inner.text}」に値がありません。「, 」を含む値は "…" で囲んでください。'
                en = f'"{inner.text}" has no value. Put a value that holds a comma in quotes.'
                self.error(inner.line, ja, en)
            else:
                texts = self.texts(inner.text, said)
                found.append((inner, Scalar(said.line, ", ".join(each.text for each in texts))))
        return found
