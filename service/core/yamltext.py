"""YAML in which every value is text: nothing turns `no` into False, `1:30` into 90 or `2026-12-31` into a date.

The tree keeps the line of every value. What would be read in a way its writer does not expect is refused: a key twice,
anchors and aliases, several documents, deep nesting.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import yaml

Report = Callable[[int, str, str], None]
_DEEPEST = 8


class Scalar(NamedTuple):
    """A text and the line it begins in, from 1."""

    line: int
    text: str


class Items(NamedTuple):
    """A list."""

    line: int
    values: "tuple[Value, ...]"


class Pairs(NamedTuple):
    """A mapping, in the order of the file."""

    line: int
    pairs: "tuple[tuple[Scalar, Value], ...]"


Value = Scalar | Items | Pairs


class _Loader(yaml.SafeLoader):
    """Composes nodes without ever constructing a value."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = cast("yaml.Mark", self.peek_event().start_mark)
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*) are not used here", problem_mark=mark)
        if self.depth >= _DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_yaml(text: str, error: Report) -> Value | None:
    """Read a text; None when it is empty or no YAML. `error(line, ja, en)` is called for each problem."""
    try:
        node = cast("yaml.Node | None", yaml.compose(text, Loader=_Loader))
    except yaml.reader.ReaderError as problem:
        line = text[: problem.position].count("\n") + 1
        ja = "使えない文字（制御文字）が入っています。その文字を消してください。"
        error(line, ja, "There is a control character here, which YAML does not allow.")
        return None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        said = " ".join(filter(None, (problem.context, problem.problem)))
        ja = f'YAML として読めません。「: 」や「#」を含む値は "…" で囲み、字下げは半角の空白にしてください（{said}）。'
        en = f'This is no YAML ({said}). Put a value that holds ": " or "#" in quotes, and indent with spaces.'
        error(line, ja, en)
        return None
    return _tree(node, error) if node else None


def _tree(node: yaml.Node, error: Report) -> Value:
    line = node.start_mark.line + 1
    match node:
        case yaml.MappingNode():
            return Pairs(line, _pairs(node, error))
        case yaml.SequenceNode():
            values = cast("list[yaml.Node]", node.value)
            return Items(line, tuple(_tree(value, error) for value in values))
        case _:
            return Scalar(line, str(node.value).strip())


def _pairs(node: yaml.MappingNode, error: Report) -> tuple[tuple[Scalar, Value], ...]:
    pairs: dict[str, tuple[Scalar, Value]] = {}
    for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        key = _tree(key_node, error)
        if not isinstance(key, Scalar):
            error(key.line, "項目の名前は文字で書いてください。", "A key must be a plain text.")
        elif key.text in pairs:
            first = pairs[key.text][0].line
            ja = f"「{key.text}」が二度書かれています（{first}行目にもあります）。"
            error(key.line, ja, f'"{key.text}" is written twice (also in line {first}).')
        else:
            pairs[key.text] = (key, _tree(value_node, error))
    return tuple(pairs.values())
