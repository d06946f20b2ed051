"""Answers: bubbles of text and pictures, placeholders, code, and what cannot be sent."""

import pytest

from service.core.answers import IMAGE_BYTES_MAX
from service.core.entries import Bubble, ImageBubble, ImageFile
from service.core.faq import FaqFile, read_file
from service.core.placeholders import NAMES

HEAD = "## 質問 {#q}\n> 言い回し\n\n"
FILES = {
    "img/map.jpg": ImageFile(name="a1.jpg", preview="a1-small.jpg", kind="jpg", size=2_000_000),
    "料金/img/menu.png": ImageFile(name="b2.png", preview="b2.png", kind="png", size=10),
    "img/menu.png": ImageFile(name="c3.png", preview="c3.png", kind="png", size=10),
    "img/movie.gif": ImageFile(name="d4.", preview="d4.", kind="", size=10),
    "img/huge.jpg": ImageFile(name="e5.jpg", preview="e5.jpg", kind="jpg", size=IMAGE_BYTES_MAX + 1),
    "secret.jpg": ImageFile(name="f6.jpg", preview="f6.jpg", kind="jpg", size=10),
}
MAP = ImageBubble(name="a1.jpg", preview="a1-small.jpg", path="img/map.jpg", alt="地図")


def read(answer: str, name: str = "a.md") -> FaqFile:
    return read_file(name, HEAD + answer, FILES.get)


def bubbles(answer: str, name: str = "a.md") -> tuple[Bubble, ...]:
    file = read(answer, name)
    assert not file.problems
    return file.entries[0].bubbles


def errors(answer: str, name: str = "a.md") -> list[tuple[int, str]]:
    return [(one.line, one.en) for one in read(answer, name).problems if one.severity == "error"]


def test_an_image_alone_on_its_line_is_a_bubble_of_its_own() -> None:
    assert bubbles("![地図](img/map.jpg)") == (MAP,)
    assert bubbles("一\n![地図](img/map.jpg)\n二\n\n---\n\n三") == ("一", MAP, "二", "三")
    assert bubbles("一\n\n---\n\n![地図](img/map.jpg)\n\n---\n\n二") == ("一", MAP, "二")
    assert bubbles('  ![地図]( <img/map.jpg> "題" )  ') == (MAP,)


def test_an_image_is_found_beside_its_file_or_in_the_folder_itself() -> None:
    (beside,) = bubbles("![品書き](img/menu.png)", "料金/a.md")
    (top,) = bubbles("![品書き](/img/menu.png)", "求人/a.md")
    (up,) = bubbles("![品書き](../img/menu.png)", "求人/a.md")
    assert [one.path for one in (beside, top, up) if isinstance(one, ImageBubble)] == [
        "料金/img/menu.png",
        "img/menu.png",
        "img/menu.png",
    ]


def test_a_path_of_windows_and_full_width_marks_are_read_as_meant() -> None:
    file = read("！［地図］（img\\map.jpg）")
    assert file.entries[0].bubbles == (MAP,)
    assert [(one.line, one.severity, one.is_mendable) for one in file.problems] == [(4, "warning", True)]


@pytest.mark.parametrize("path", ["../secret.jpg", "img/../../secret.jpg", "../../etc/passwd", "..", "/../secret.jpg"])
def test_a_path_never_leads_out_of_the_folder(path: str) -> None:
    asked: list[str] = []

    def look(path: str) -> ImageFile | None:
        asked.append(path)
        return None

    file = read_file("a.md", f"{HEAD}![x]({path})", look)
    assert [one.line for one in file.problems if one.severity == "error"] == [4]
    assert not [path for path in asked if path.startswith("..")]


@pytest.mark.parametrize(
    ("markup", "sentence"),
    [
        ("![地図](img/none.jpg)", 'There is no image file "img/none.jpg" in the FAQ folder.'),
        ("![地図](https://a.example/x.jpg)", "is elsewhere"),
        ("![動画](img/movie.gif)", '"img/movie.gif" is neither JPEG nor PNG, or broken.'),
        ("![大](img/huge.jpg)", "is too large: LINE takes at most 10 MB."),
        ("![](img/map.jpg)", "Describe the image"),
        ("地図は![地図](img/map.jpg)です", "Put it on a line of its own."),
        ("- ![地図](img/map.jpg)", "Put it on a line of its own."),
        ("|a|b|\n|-|-|\n|![地図](img/map.jpg)|x|", "Put it on a line of its own."),
    ],
)
def test_an_image_that_cannot_be_sent_is_an_error_with_its_line(markup: str, sentence: str) -> None:
    ((line, error),) = errors(markup)
    assert line == 4 + markup.count("\n")
    assert sentence in error


def test_images_count_as_bubbles() -> None:
    assert errors("![地図](img/map.jpg)\n\n" * 5) == []
    assert errors("![地図](img/map.jpg)\n\n" * 5 + "六") == [
        (14, "An answer has at most 5 bubbles; the --- lines and images make 6.")
    ]


def test_placeholders_are_listed_once_each() -> None:
    (entry,) = read("{today_hours}です。\n\n---\n\n電話は{phone}、本日は{today_hours}。").entries
    assert entry.placeholders == ("today_hours", "phone")
    assert entry.bubbles == ("{today_hours}です。", "電話は{phone}、本日は{today_hours}。")
    (every,) = read("".join(f"{{{name}}}" for name in NAMES)).entries
    assert every.placeholders == NAMES


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("today_hour", "today_hours"),
        ("todays_hours", "today_hours"),
        ("tel_phone", "phone"),
        ("map url", "map_url"),
        ("booking", "booking_url"),
    ],
)
def test_an_unknown_placeholder_is_an_error_that_names_the_nearest(word: str, near: str) -> None:
    assert errors(f"{{{word}}}です") == [(4, f'There is no placeholder "{{{word}}}". Did you mean "{{{near}}}"?')]


def test_a_placeholder_like_none_of_them_names_those_allowed() -> None:
    ((_, error),) = errors("{xyzzy}")
    assert error.endswith("{privacy_url}.")


@pytest.mark.parametrize("text", ["{重要}", "{´Д｀}", "{}", "{1}", "\\{word\\}"])
def test_other_braces_are_words(text: str) -> None:
    assert not errors(text)


def test_code_is_shown_as_it_stands() -> None:
    assert bubbles("`**WiFi** {x} \\1`です") == ("**WiFi** {x} \\1です",)
    assert bubbles("```\n**a** | b\n- c\n---\n> d\n<br>{x}\n```\n以上") == ("**a** | b\n- c\n---\n> d\n<br>{x}\n以上",)


def test_code_that_never_ends_is_an_error_and_swallows_nothing() -> None:
    file = read("```\nコード\n\n## 次\n> 次の\n\n答え")
    assert [entry.question for entry in file.entries] == ["質問", "次"]
    assert errors("```\nコード\n\n## 次\n> 次の\n\n答え") == [(4, "What ``` begins is never closed by another ```.")]


def test_tables_of_any_width_with_and_without_outer_pipes() -> None:
    assert bubbles("品 | 値\n:-- | --:\nカット | 4,400円") == ("カット：4,400円",)
    assert bubbles("|品|値|時間|\n|:-:|---|---|\n|カット|4,400円|60分|") == ("カット　値 4,400円／時間 60分",)
    assert bubbles("|品|値|時間|備考|\n|-|-|-|-|\n|カット|4,400円|60分|要予約|") == (
        "カット　値 4,400円／時間 60分／備考 要予約",
    )
