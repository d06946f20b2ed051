"""What people type in FAQ files that is not quite as it should be, and is read as it was meant all the same.

Each kind has one sentence in both languages: what it was read as, and how it is written.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from service.core.entries import Problem

OddKind = Literal[
    "bom",
    "line_ends",
    "control",
    "invisible",
    "space",
    "tab",
    "separator",
    "decomposed",
    "heading",
    "title",
    "subheading",
    "id",
    "hashtag",
    "quote",
    "quote_end",
    "rule",
    "rule_blank",
    "bullet",
    "yen",
    "break",
    "link",
    "reference",
    "url",
    "url_end",
    "placeholder",
    "table",
    "table_rule",
    "border",
    "no_opening",
    "no_closing",
    "setting",
]


class Oddity(NamedTuple):
    """One oddity and the line of the file that it stands in."""

    line: int
    kind: OddKind


_SENTENCES: Mapping[OddKind, tuple[str, str]] = MappingProxyType(
    {
        "bom": (
            "ファイルの先頭に、目に見えない印（BOM）があります。",
            "An invisible mark (BOM) stands before the first character.",
        ),
        "line_ends": (
            "改行の形式が Windows か古い Mac のものです（CRLF / CR）。",
            "The line ends are those of Windows or an old Mac (CRLF / CR).",
        ),
        "control": (
            "目に見えない制御文字があります。ないものとして読みました。",
            "There is an invisible control character. It was passed over.",
        ),
        "invisible": (
            "幅のない、目に見えない文字があります。ないものとして読みました。",
            "There is an invisible character without width. It was passed over.",
        ),
        "space": (
            "特殊な空白があります。ふつうの半角空白として読みました。",
            "There is a special space. It was read as an ordinary one.",
        ),
        "tab": ("タブがあります。空白として読みました。", "There is a tab. It was read as spaces."),
        "separator": (
            "特殊な改行文字があります。ふつうの改行として読みました。",
            "There is a special line separator. It was read as a new line.",
        ),
        "decomposed": (
            "濁点・半濁点が文字から離れています（「か゛」）。一文字として読みました。",
            "Voicing marks stand apart from their letters. They were read as one letter.",
        ),
        "heading": (
            "質問の見出しとして読みました。半角の「##」のあとに半角の空白を入れ、「## 質問」と書きます。",
            "Read as a question. It is written `## Question`, with half-width marks and a space.",
        ),
        "title": (
            "人のための見出しとして読みました。半角の「#」のあとに半角の空白を入れ、「# 見出し」と書きます。",
            "Read as a title for people. It is written `# Title`, with a half-width mark and a space.",
        ),
        "subheading": (
            "答えの中の小見出しとして読みました。半角の「###」のあとに半角の空白を入れ、「### 小見出し」と書きます。",
            "Read as a heading inside the answer. It is written `### Heading`, with half-width marks and a space.",
        ),
        "id": (
            "見出しのIDを読み替えました。IDは半角の小文字で「{#hours}」のように書きます（a-z、0-9、-、_）。",
            "The id was read as meant. It is written like `{#hours}`, in half-width small letters (a-z, 0-9, -, _).",
        ),
        "hashtag": (
            "「#」のあとに空白がないので、ハッシュタグとして答えの一部に読みました（「\\#」と書きます）。見出しには空白が要ります。",
            "No space after #: read as a hashtag in the answer. It is written `\\#`. A title needs a space.",
        ),
        "quote": (
            "お客様の言い回しとして読みました。半角の「>」で「> - 言い回し」と書きます。",
            "Read as a phrasing. It is written `> - phrasing`, with half-width marks.",
        ),
        "quote_end": (
            "言い回しのすぐ下から答えとして読みました。答えの前を1行あけてください。",
            "Read as the answer. Leave one line empty between the phrasings (>) and the answer.",
        ),
        "rule": (
            "吹き出しの区切りとして読みました。半角のハイフン3つ「---」で書きます（線を送りたいときは先頭に「\\」）。",
            "Read as the start of the next bubble, written --- (half-width). To send the line, put a \\ before it.",
        ),
        "rule_blank": (
            "「---」を吹き出しの区切りとして読みました。前後を1行ずつあけてください。",
            "Read as the start of the next bubble. Leave one line empty before and after ---.",
        ),
        "bullet": (
            "箇条書きとして読みました。半角の「-」のあとに半角の空白を入れてください。",
            "Read as an item of a list. It is written with a half-width space after the -.",
        ),
        "yen": (
            "「\\」を円記号「¥」として読みました。そのままではお客様に「\\」と表示されることがあります。",
            "The backslash was read as a yen sign (¥): many phones would show a backslash.",
        ),
        "break": (
            "<br> を改行として読みました。改行は、そのまま改行してください。",
            "<br> was read as a new line. For a new line, just start one.",
        ),
        "link": (
            "リンクまたは画像として読みました。半角で「[文字](https://...)」「![説明](img/map.jpg)」と書きます。",
            "Read as a link or an image, written `[text](https://...)` and `![text](img/map.jpg)`, half-width.",
        ),
        "reference": (
            "リンク先を別の行から読みました。「[文字](https://...)」と、文字のすぐあとに書きます。",
            "The link's address was read from another line. It is written `[text](https://...)`.",
        ),
        "url": ("全角のアドレスを半角として読みました。", "A full-width address was read as a half-width one."),
        "url_end": (
            "アドレスのすぐあとに文字が続いているので、半角の空白を入れて読みました（続けるとリンクが開かないことがあります）。",
            "Words follow right after an address; a space was read between them, for the link might not open else.",
        ),
        "placeholder": (
            "差し込み語として読みました。半角の小文字で「{today_hours}」のように書きます。",
            "Read as a placeholder. It is written like `{today_hours}`, in half-width small letters.",
        ),
        "table": (
            "表として読みました。罫線は半角の「|」と「-」で書きます。",
            "Read as a table. Its lines are written with half-width | and -.",
        ),
        "table_rule": (
            "見出しのない表として読みました。表には「|---|---|」の行が要ります。",
            "Read as a table without a heading. A table needs a line |---|---|.",
        ),
        "border": (
            "設定の区切りとして読みました。半角のハイフン3つ「---」で書きます。",
            "Read as the border of the settings. It is written --- (three half-width hyphens).",
        ),
        "no_opening": (
            "ファイルの先頭の設定として読みました。設定の上に「---」の行を書いてください。",
            "Read as the settings of the file. Put a line --- above them.",
        ),
        "no_closing": (
            "設定がここで終わるものとして読みました。設定の下に「---」の行を書いてください。",
            "The settings were taken to end here. Put a line --- below them.",
        ),
        "setting": (
            "設定を読み替えました。半角の「:」で「タグ: 営業案内、料金」のように書きます。",
            "A setting was read as meant. It is written like `tags: hours, prices`, with half-width marks.",
        ),
    }
)


def to_problem(file: str, oddity: Oddity) -> Problem:
    """Say an oddity in words: a warning that `faq check --fix` mends."""
    ja, en = _SENTENCES[oddity.kind]
    return Problem(file=file, line=oddity.line, severity="warning", ja=ja, en=en, is_mendable=True)
