"""The README and docs/ say what the code does: settings, commands, keys, codes, fields, addresses, links."""

import asyncio
import re
import shlex
import textwrap
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from service import cli, settings, wiring
from service.adapters.vitals import Reading
from service.core import decisions, frontmatter, media, messagesfile, photos, placeholders, records, shopfile
from service.core.conversation import State
from service.core.events import MessageKind
from service.core.folder import read_folder
from service.core.texts import MessageName
from service.settings import ROOT, Settings, load_settings
from service.web.metrics import render

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, ROOT / "CHANGELOG.md", *DOCS]
LUA = sorted((ROOT / "service/adapters/lua").glob("*.lua"))
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
REASONS = (
    *get_args(decisions.AnswerReason),
    *get_args(decisions.ClarifyReason),
    *get_args(decisions.HandoffReason),
    *get_args(decisions.SilentReason),
)
OUTCOMES = ("answer", "clarify", "handoff", "silent")
RECORDS = (
    records.HandoffRecord,
    records.TurnRecord,
    records.Note,
    records.MessageItem,
    records.BubbleItem,
    records.TraceItem,
    records.ModelTrace,
    records.Thresholds,
    decisions.Candidate,
    media.ImageSet,
    *get_args(media.Media),
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """The text under a `##` heading, without fenced blocks."""
    return re.split(rf"^## {re.escape(heading)}$", BLOCK.sub("", text), flags=re.MULTILINE)[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a text's tables, without the header lines."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for number, row in enumerate(cells) if not is_rule(row) and not is_rule([*cells, [""]][number + 1])]


def is_rule(row: list[str]) -> bool:
    return all(set(cell) == {"-"} for cell in row)


def code_in(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def settings_table() -> str:
    """The README's table of settings, made of the settings."""
    lines = [
        f"| `{field.alias}` | {shown_default(field.default)} | {field.description} |"
        for field in Settings.model_fields.values()
    ]
    return "\n".join(["| name | default | meaning |", "|---|---|---|", *lines])


def shown_default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = value.relative_to(ROOT)
    return "" if value in {None, "", ()} else f"`{value}`"


def leaf_commands(group: click.Group, words: tuple[str, ...] = ()) -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= leaf_commands(command, (*words, name))
        else:
            found[" ".join((*words, name))] = command
    return found


def launcher_commands() -> set[str]:
    """What the launcher runs by itself: the labels of its last `case`."""
    return set(re.findall(r"^    ([a-z]+)\)$", read("henji"), flags=re.MULTILINE))


COMMANDS = leaf_commands(cli.main)


def table_of_commands() -> dict[str, str]:
    """Each command of the README's table, with what stands behind it: `faq check` to `[DIRECTORY]`."""
    found: dict[str, str] = {}
    for cells in rows(section(read("README.md"), "Commands")):
        words = cells[0].strip("`").split()
        assert words[0] == "./henji"
        name = " ".join(word for word in words[1:] if re.fullmatch(r"[a-z]+", word))
        found[name] = cells[0].strip("`").removeprefix(f"./henji {name}").strip()
    return found


def blocks(text: str) -> str:
    """What stands in fenced blocks."""
    return "\n".join(BLOCK.findall(text))


def launches(text: str) -> list[list[str]]:
    """The `./henji` command lines of a text's blocks, each as words behind `./henji`."""
    lines = re.findall(r"^ *(?:\$ )?(?:[A-Z_]+=\S+ )*\./henji (.+)$", blocks(text), flags=re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_settings_of_the_readme_are_those_of_the_code() -> None:
    assert settings_table() in read("README.md")


def test_the_secrets_that_may_come_from_a_file_are_named() -> None:
    before_the_table = section(read("README.md"), "Settings").split("|")[0]
    named = {name for name in code_in(before_the_table) if re.fullmatch("[A-Z_]+", name)}
    assert named == {*settings._SECRETS, f"{settings._SECRETS[0]}_FILE"}


def test_the_commands_of_the_readme_are_those_there_are() -> None:
    assert set(table_of_commands()) == set(COMMANDS) | launcher_commands()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_shown_with_all_it_takes(name: str) -> None:
    shown = table_of_commands()[name]
    options = {
        opt
        for param in COMMANDS[name].params
        if isinstance(param, click.Option) and not param.hidden
        for opt in param.opts
    }
    arguments = {str(param.name).upper() for param in COMMANDS[name].params if isinstance(param, click.Argument)}
    assert set(re.findall(r"--[a-z-]+", shown)) == options
    assert set(re.findall(r"[A-Z_]+", shown)) == arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_shown_would_run(page: Path) -> None:
    for words in launches(page.read_text(encoding="utf-8")):
        name = next((name for name in COMMANDS if words[: len(name.split())] == name.split()), words[0])
        if name in launcher_commands():
            continue
        assert name in COMMANDS, f"./henji {shlex.join(words)}"
        COMMANDS[name].make_context(name, words[len(name.split()) :])


def test_the_readme_shows_command_lines() -> None:
    assert len(launches(read("README.md"))) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    written = re.sub(r"`[^`\n]+`", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", written):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_test_named_is_there(page: Path) -> None:
    words = code_in(page.read_text(encoding="utf-8"))
    files = {word for word in words if re.fullmatch(r"(?:service|tests|prompts|docs|bench)/[\w/.-]+", word)}
    assert [file for file in files if not (ROOT / file).exists()] == []
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    names = {word for word in words if re.fullmatch(r"test_\w+", word)}
    assert [name for name in names if f"def {name}(" not in tests and not (ROOT / "tests" / name).exists()] == []


def test_every_reason_outcome_and_state_is_explained() -> None:
    explained = code_in(read("docs/how-it-works.md"))
    assert {*REASONS, *OUTCOMES, *get_args(State)} <= explained


def test_every_field_of_a_record_is_explained() -> None:
    explained = code_in(read("docs/records.md"))
    fields = {field for record in RECORDS for field in record.__struct_fields__}
    values = {*get_args(records.HandoffStatus), *get_args(records.Delivery), *get_args(MessageKind)}
    values |= {*get_args(photos.PhotoType), *get_args(photos.Why)}
    assert fields | values <= explained


def test_every_key_in_redis_is_explained_and_no_other() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in LUA)
    adapters = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "service/adapters").glob("*.py"))
    used = {*re.findall(r"P \.\. '([a-z]+)", code), *re.findall(r"\{PREFIX\}([a-z]+)", adapters)}
    kinds = set(re.findall(r'self\._many\("([a-z]+)"', adapters))
    explained = set(re.findall(r"\{henji\}:([a-z]+)", read("docs/records.md")))
    assert used | kinds == explained


def test_every_field_of_a_conversation_is_explained() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in LUA)
    calls = re.findall(r"'H(?:SET|GET|DEL|MGET|INCRBY|EXISTS)', \w+(?:\([^)]*\))?, ([^)\n]*)", code)
    fields = {name for call in calls for name in re.findall(r"'([a-z_]+)'", call)} - {"bot"}
    assert "rev" in fields
    assert fields <= code_in(read("docs/records.md"))


def test_every_metric_is_explained_and_no_other() -> None:
    found: dict[str, Any] = dict.fromkeys(Reading.__struct_fields__, 0) | {
        "counts": {},
        "knowledge": "v",
        "calibration": "fitted",
    }
    found |= {"model": {"spent": 0, "budget": 1, "shut_ms": 0}}
    shown = render(msgspec.convert(found, Reading))
    families = list(text_string_to_metric_families(shown.decode()))
    served = {sample.name for family in families for sample in family.samples}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    values = {value for family in families for sample in family.samples for value in sample.labels.values()}
    documented = rows(section(read("docs/operations.md"), "Metrics"))
    assert {cells[0].strip("`") for cells in documented} == served
    explained = code_in(read("docs/operations.md")) | code_in(read("docs/how-it-works.md"))
    assert labels | values - {"v"} <= explained


def test_every_script_is_explained() -> None:
    explained = code_in(read("docs/delivery.md"))
    assert {file.name for file in LUA} <= explained


def test_every_setting_on_top_of_a_faq_file_is_explained() -> None:
    words = (frontmatter.KEYS, frontmatter.ACTIONS, frontmatter.MATCHES, frontmatter.FLAGS, frontmatter.LANGUAGES)
    assert {*chain(*words)} <= code_in(read("docs/faq-format.md"))


def test_every_placeholder_of_an_answer_is_explained() -> None:
    assert {f"{{{name}}}" for name in placeholders.NAMES} <= code_in(read("docs/faq-format.md"))


def shown(text: str, kind: str) -> list[str]:
    """What stands in the fenced blocks of a kind, without the indentation that a list gives them."""
    return [
        textwrap.dedent(block) for block in re.findall(rf"^ *```{kind}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    ]


def test_every_key_of_the_shop_file_is_explained_and_no_other() -> None:
    table = rows(read("docs/shop.md").split("### ")[0])
    assert {key for cells in table for key in code_in(cells[0])} == set(shopfile._KEYS)


def test_the_shop_files_shown_are_read_without_any_problem() -> None:
    whole, japanese = shown(read("docs/shop.md"), "yaml")
    assert shopfile.read_shop(whole).problems == ()
    assert set(shopfile.read_shop(whole).lines) == set(shopfile._KEYS)
    for block in (japanese, *shown(section_with_blocks("Hours, holidays, your own texts"), "yaml")):
        assert shopfile.read_shop(block).problems == ()


def section_with_blocks(heading: str) -> str:
    return read("README.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_faq_files_shown_are_read_without_any_problem() -> None:
    files = shown(read("README.md"), "markdown")[:1] + shown(read("docs/faq-format.md"), "markdown")
    assert ["{#parking}" in files[0], "{#hours}" in files[1]] == [True, True]
    assert [read_folder({"example.md": text}).problems for text in files] == [(), ()]


def test_the_texts_shown_are_read_without_any_problem() -> None:
    blocks_shown = shown(read("docs/shop.md"), "markdown") + shown(
        section_with_blocks("Hours, holidays, your own texts"), "markdown"
    )
    assert len(blocks_shown) == 2
    assert [messagesfile.read_messages(block).problems for block in blocks_shown] == [(), ()]


def test_every_text_and_placeholder_is_explained() -> None:
    explained = code_in(read("docs/shop.md"))
    assert set(get_args(MessageName)) <= explained
    assert {f"{{{name}}}" for name in (*placeholders.NAMES, placeholders.ASK)} <= explained


def test_every_address_is_documented_and_no_other() -> None:
    environ = {"LINE_CHANNEL_SECRET": "s", "LINE_CHANNEL_ACCESS_TOKEN": "t"}
    app = wiring.make_web(load_settings(environ, None), "redis://127.0.0.1:1", asyncio.Event())
    served: set[str] = set()
    for route in app.routes:
        # The webhook speaks ASGI itself: its route names no method, and it takes this one only.
        methods: Any = getattr(route, "methods", ()) or ("POST",)
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        served |= {f"{method} {path}" for method in methods if method not in {"HEAD", "OPTIONS"}}
    documented = {cells[0].strip("`") for cells in rows(section(read("docs/rest.md"), "Addresses"))}
    assert documented <= served
    assert {address for address in served if "/api/schema" not in address} <= documented
