"""Prompt files: settings on top, then what the model is told, as Jinja2.

A prompt is a Markdown file under `prompts/`. Its front matter is flat `key: value` lines (`id`, `version`,
`temperature`, `max_tokens`); a line `# system` and a line `# user` start its two sections. A file is checked whole when
it is read, with a trial rendering, so that a typo stops the start and not a customer's message. The templates run in
Jinja2's sandbox; the filter `json` writes a value as one line of JSON, which is how customers' words go in.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import jinja2.meta
import jinja2.sandbox
import msgspec

from service.errors import SettingsError

SECTIONS = ("system", "user")


class Prompt(msgspec.Struct, frozen=True):
    """A checked prompt. `digest` is the first 8 hex digits of the SHA-256 of the file's text."""

    id: str
    version: int
    temperature: float
    max_tokens: int
    digest: str
    system: jinja2.Template
    user: jinja2.Template

    @property
    def label(self) -> str:
        """What a trace records, for example `adjudicate@1#0f3a9c2e`: it changes with every edit of the file."""
        return f"{self.id}@{self.version}#{self.digest}"

    def render(self, variables: Mapping[str, object]) -> tuple[str, str]:
        """The system and the user message, for variables of the names and shapes the prompt was checked with.

        Raises what the templates raise when given others.
        """
        return self.system.render(variables).strip(), self.user.render(variables).strip()


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]


class _Broken(Exception):
    """What is wrong with the file, as a plain sentence; `line` starts at 1, or is None for the whole file."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


def load_prompt(path: Path, sample: Mapping[str, object]) -> Prompt:
    """Read and check one prompt file.

    `sample` holds the variables the prompt will be rendered with, filled with examples: the file must use all of them,
    no others, and render with them.
    Raises SettingsError (`file: sentence` or `file:line: sentence`) when the file cannot be read or is not a prompt.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: the prompt cannot be read: {error}"]) from error
    try:
        prompt = _parse(text, frozenset(sample))
        _try_rendering(prompt, sample)
    except _Broken as error:
        where = path if error.line is None else f"{path}:{error.line}"
        raise SettingsError([f"{where}: {error}"]) from error
    return prompt


def _parse(text: str, names: frozenset[str]) -> Prompt:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        raise _Broken("the file must begin with a line --- and the prompt's settings", 1)
    end = next((n for n, line in enumerate(lines) if n and line.strip() == "---"), None)
    if end is None:
        raise _Broken("the settings never end: a second line --- is missing", 1)
    head = _read_head(lines[1:end])
    sections = _split_sections(lines, end + 1)
    environment = _environment()
    _check_names(environment, sections, names)
    return Prompt(
        id=head.id,
        version=head.version,
        temperature=head.temperature,
        max_tokens=head.max_tokens,
        digest=hashlib.sha256(text.encode()).hexdigest()[:8],
        system=environment.from_string(sections["system"]),
        user=environment.from_string(sections["user"]),
    )


def _read_head(lines: list[str]) -> _Head:
    values: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not key or not value:
            raise _Broken(f"expected `key: value`, found {line.strip()!r}", number)
        if key in values:
            raise _Broken(f"{key} is set twice", number)
        values[key] = value
    try:
        return msgspec.convert(values, _Head, strict=False)
    except msgspec.ValidationError as error:
        raise _Broken(f"the settings on top are wrong: {error}") from error


def _split_sections(lines: list[str], start: int) -> dict[str, str]:
    """The text of each section, after as many empty lines as stand before it: Jinja2's line numbers are the file's."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(lines[start:], start=start):
        heading = re.fullmatch(rf"#\s+({'|'.join(SECTIONS)})\s*", line)
        if heading is not None:
            if heading[1] in found:
                raise _Broken(f"the section `# {heading[1]}` stands there twice", number + 1)
            current = found[heading[1]] = [""] * (number + 1)
        elif current is not None:
            current.append(line)
        elif line.strip():
            raise _Broken("text before the first section: expected a line `# system`", number + 1)
    for name in SECTIONS:
        if not any(line.strip() for line in found.get(name, [])):
            raise _Broken(f"the section `# {name}` is missing or empty")
    return {name: "\n".join(found[name]) for name in SECTIONS}


def _environment() -> jinja2.sandbox.SandboxedEnvironment:
    environment = jinja2.sandbox.SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["json"] = _json
    return environment


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _check_names(
    environment: jinja2.sandbox.SandboxedEnvironment, sections: dict[str, str], names: frozenset[str]
) -> None:
    used: set[str] = set()
    for source in sections.values():
        try:
            used |= jinja2.meta.find_undeclared_variables(environment.parse(source))
        except jinja2.TemplateSyntaxError as error:
            raise _Broken(f"the template is broken: {error.message}", error.lineno) from error
    unknown = used - names - set(environment.globals)
    if unknown:
        raise _Broken(f"unknown variable: {', '.join(sorted(unknown))} (known: {', '.join(sorted(names))})")
    if not names <= used:
        raise _Broken(f"never shown to the model: {', '.join(sorted(names - used))}")


def _try_rendering(prompt: Prompt, sample: Mapping[str, object]) -> None:
    try:
        prompt.render(sample)
    except Exception as error:  # a template can raise anything
        raise _Broken(f"the template cannot be filled in: {error}") from error
