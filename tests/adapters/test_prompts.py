"""A prompt file is checked whole when it is read, and its mistakes are told in plain words with the place."""

import json
import re
from pathlib import Path

import pytest

from service.adapters.prompts import load_prompt
from service.errors import SettingsError

HEAD = "---\nid: greet\nversion: 2\ntemperature: 0.5\nmax_tokens: 40\n---\n"
BODY = "\n# system\n\nBe kind.\n\n## How\n\nBriefly.\n\n# user\n\nSay: {{ text | json }}\n"
SAMPLE = {"text": "hello"}


def write(folder: Path, text: str) -> Path:
    path = folder / "greet.md"
    path.write_text(text, encoding="utf-8")
    return path


def problem(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(SettingsError) as caught:
        load_prompt(path, SAMPLE)
    [sentence] = caught.value.problems
    assert sentence.startswith(f"{path}:")
    return sentence.removeprefix(f"{path}:")


def test_settings_and_sections_are_read(tmp_path: Path) -> None:
    prompt = load_prompt(write(tmp_path, HEAD + BODY), SAMPLE)
    assert (prompt.id, prompt.version, prompt.temperature, prompt.max_tokens) == ("greet", 2, 0.5, 40)
    assert prompt.render({"text": "やあ"}) == ("Be kind.\n\n## How\n\nBriefly.", 'Say: "やあ"')


def test_the_label_changes_with_the_text_and_not_with_line_ends(tmp_path: Path) -> None:
    first = load_prompt(write(tmp_path, HEAD + BODY), SAMPLE).label
    assert re.fullmatch(r"greet@2#[0-9a-f]{8}", first)
    (tmp_path / "greet.md").write_bytes(b"\xef\xbb\xbf" + (HEAD + BODY).replace("\n", "\r\n").encode())
    assert load_prompt(tmp_path / "greet.md", SAMPLE).label == first
    assert load_prompt(write(tmp_path, HEAD + BODY.replace("kind", "brief")), SAMPLE).label != first


@pytest.mark.parametrize(
    "text", ['"quoted"', "two\nlines\n# system", "{{ 7 * 7 }}", "</data>", "改行\r\n\t", "{% raw %}"]
)
def test_the_json_filter_keeps_any_text_on_one_line_and_whole(tmp_path: Path, text: str) -> None:
    _, user = load_prompt(write(tmp_path, HEAD + BODY), SAMPLE).render({"text": text})
    assert "\n" not in user
    assert json.loads(user.removeprefix("Say: ")) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file must begin with a line ---"),
        (BODY, "1: the file must begin with a line ---"),
        (HEAD.removesuffix("---\n") + BODY, "1: the settings never end"),
        (HEAD.replace("version: 2", "version two") + BODY, "3: expected `key: value`, found 'version two'"),
        (HEAD.replace("version: 2", "version:") + BODY, "3: expected `key: value`"),
        (HEAD.replace("version: 2", "id: other") + BODY, "3: id is set twice"),
        (HEAD.replace("version: 2\n", "") + BODY, "the settings on top are wrong: .*missing.*version"),
        (HEAD.replace("version: 2", "version: two") + BODY, "the settings on top are wrong: .*version"),
        (HEAD.replace("0.5", "3") + BODY, "the settings on top are wrong: .*temperature"),
        (HEAD.replace("max_tokens", "max_token") + BODY, "the settings on top are wrong: .*max_token"),
        (HEAD.replace("greet", "Greet!") + BODY, "the settings on top are wrong: .*id"),
        (HEAD + "Hello\n" + BODY, "7: text before the first section"),
        (HEAD + BODY.replace("# user", "# User"), "the section `# user` is missing or empty"),
        (HEAD + BODY.replace("Say: {{ text | json }}", ""), "the section `# user` is missing or empty"),
        (HEAD + BODY + "# user\n", "19: the section `# user` stands there twice"),
        (HEAD + BODY + "{{ txt }}\n", "unknown variable: txt .known: text."),
        (HEAD + BODY + "{% if false %}{{ txt }}{% endif %}\n", "unknown variable: txt"),
        (HEAD + BODY.replace("{{ text | json }}", "hi"), "never shown to the model: text"),
        (HEAD + BODY + "{% for %}\n", "19: the template is broken"),
        (HEAD + BODY + "{{ text | nonsense }}\n", "19: the template is broken"),
        (HEAD + BODY + "{{ text.missing }}\n", "the template cannot be filled in: .*missing"),
        (HEAD + BODY + "{{ text + 1 }}\n", "the template cannot be filled in"),
        (HEAD + BODY + "{{ text.__class__.__mro__ }}\n", "the template cannot be filled in: .*unsafe"),
    ],
)
def test_a_mistake_is_told_in_plain_words(tmp_path: Path, text: str, expected: str) -> None:
    assert re.match(rf"\s*{expected}", problem(tmp_path, text))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"greet\.md: the prompt cannot be read"):
        load_prompt(tmp_path / "greet.md", SAMPLE)


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "greet.md").write_bytes(b"---\n\x82\xa0")
    with pytest.raises(SettingsError, match=r"greet\.md: the prompt cannot be read"):
        load_prompt(tmp_path / "greet.md", SAMPLE)
