"""`_shop.yaml`: what it says, and every problem with its line, all at once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.shop import CLOSED, Dates, Interval, NthWeekday, Shop
from service.core.shopfile import read_shop
from tests.support.salon import SALON_FILE, read_salon

DAY = (Interval(600, 1200),)


def told(text: str) -> list[str]:
    """The English sentences, with their lines."""
    return [f"{problem.line}: {problem.en}" for problem in read_shop(text).problems]


def test_the_designs_example_is_read_whole() -> None:
    file = read_shop(SALON_FILE)
    assert file.problems == ()
    assert file.shop == Shop(
        name="ヘアサロン すみれ",
        week=(
            CLOSED,
            *[(Interval(600, 780), Interval(840, 1200))] * 4,
            *[(Interval(540, 1140),)] * 2,
        ),
        holidays=(Interval(540, 1140),),
        closed=(NthWeekday(3, 1), Dates(date(2026, 12, 31), date(2027, 1, 3))),
        special={date(2026, 12, 30): (Interval(600, 900),)},
        if_holiday={0: True},
        closed_after_holiday=True,
        max_wrong_answers=0.05,
        unanswerable=0.4,
        first_reply_target=timedelta(hours=1),
        return_to_bot_after=timedelta(hours=24),
        phone="03-1234-5678",
        privacy_url="https://shop.example/privacy",
        synonyms=(("カラー", "染める", "ヘアカラー"),),
        starters=("hours", "booking", "menu"),
    )
    assert (file.lines["hours"], file.lines["starters"]) == (3, 16)


def test_the_same_in_japanese_and_over_many_lines() -> None:
    shop = read_salon(
        "\ufeffname: お店\n"
        "hours:\n"
        "  火〜金: １０：００〜２０：００\n"
        "  土日祝:\n    - 10:00-13:00\n    - 14:00-20:00\n"
        "  月: 休み\n"
        "closed:\n  - 第3火曜\n"
        "special:\n  2026-12-28..2026-12-30: 10時〜20時\n"
        "if_holiday:\n  月: 営業\n  翌日: 休み\n"
        "phone: ０３ー１２３４ー５６７８\n"
        "person: [店長を出して]\ncourtesy: 毎度どうも\n"
        "booking_url:\n"
    )
    assert shop.week == (CLOSED, DAY, DAY, DAY, DAY, *[(Interval(600, 780), Interval(840, 1200))] * 2)
    assert dict(shop.special) == {date(2026, 12, day): DAY for day in (28, 29, 30)}
    assert (dict(shop.if_holiday), shop.closed_after_holiday) == ({0: True}, True)
    assert shop.phone == "03-1234-5678"
    assert (shop.person, shop.courtesy, shop.booking_url) == (("店長を出して",), ("毎度どうも",), "")


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_the_defaults(text: str) -> None:
    file = read_shop(text)
    assert (file.shop, file.problems) == (Shop(), ())


def test_all_values_are_text() -> None:
    """YAML's own types would turn these into a number, a date, False and nothing."""
    shop = read_salon("name: 0123\naddress: no\nphone: 0120123456\nperson: [2026-12-31, null, yes]\n")
    assert (shop.name, shop.address, shop.phone) == ("0123", "no", "0120123456")
    assert shop.person == ("2026 12 31", "null", "yes")


def test_every_problem_is_told_at_once_with_its_line() -> None:
    text = """\
nmae: x
hours: {tue-fri: 10:00-13:00, 14:00-20:00, 水: "9:00-26:00", 月: "20:00-8:00"}
closed: [6th tue]
special: {2026-13-01: closed}
when_open: bot_frist
max_wrong_answers: 0.05
first_reply_target: soon
phone: abc
privacy_url: shop.example
timezone: Asia/Tokio
"""
    assert told(text) == [
        '1: There is no key "nmae". Did you mean "name"?',
        '2: "14:00-20:00" has no value. Put a value that holds a comma in quotes.',
        '2: "20:00-8:00" closes before it opens. Past midnight is written 20:00-32:00.',
        '2: "tue-fri" and "水" both name wed.',
        "2: No hours for sat, sun: taken as closed.",
        '3: "6th tue" is no day off. Write it like 3rd tue or 2026-12-31..2027-01-03.',
        '4: There is no such day as "2026-13-01".',
        '5: "when_open" cannot be "bot_frist". Did you mean "bot_first"?',
        '6: "0.05" is no percentage. Write it like 5%.',
        '7: "soon" is no length of time. Write it like 30m, 1h or 2d.',
        '8: "abc" is no telephone number.',
        '9: "shop.example" is no address that begins with https://.',
        '10: There is no time zone "Asia/Tokio". Write it like Asia/Tokyo.',
    ]
    assert read_shop(text).shop is None
    assert all(problem.ja and problem.file == "_shop.yaml" for problem in read_shop(text).problems)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: a\nname: b\n", '2: "name" is written twice (also in line 1).'),
        ("hours: {mon: closed, mon: closed}\n", '1: "mon" is written twice (also in line 1).'),
        ("name: [a]\n", '1: "name" takes one text.'),
        ("name: |\n  a\n  b\n", '1: "name" is one line of at most 300 characters.'),
        (f"address: {'長' * 301}\n", '1: "address" is one line of at most 300 characters.'),
        ("hours: 10-19\n", '1: "hours" is written like tue-fri: "10:00-20:00".'),
        ("hours: {mon: {a: b}}\n", '1: "mon" is a list of texts, like [one, two].'),
        ('hours: {daily: "10-19", sat: closed}\n', '1: "daily" and "sat" both name sat.'),
        ('hours: {daily: "9-19", 祝: closed, holidays: closed}\n', '1: "祝" and "holidays" both name holidays.'),
        ("special: {2026-12-30: closed, 2026-12-29..2026-12-31: closed}\n", "1: 2026-12-30 is written twice."),
        ("synonyms: [カラー, 染める]\n", '1: "synonyms" is a list of lists of two or more words'),
        ("synonyms: [[a]]\n", '1: "synonyms" is a list of lists of two or more words'),
        ("synonyms: [[カラー, 染める], [ｶﾗｰ, 色]]\n", '1: "ｶﾗｰ" is written twice, or holds no words.'),
        ("synonyms: [[カラー, ！]]\n", '1: "！" is written twice, or holds no words.'),
        ("starters: [Hours]\n", '1: "Hours" is no id of an entry. For {#hours} write hours.'),
        ("starters: [a, a]\n", '1: "starters" takes at most 12 ids, each once.'),
        (f"starters: [{', '.join('abcdefghijklm')}]\n", '1: "starters" takes at most 12 ids, each once.'),
        ("person: ['！']\n", '1: "！" holds no words.'),
        ("if_holiday: {mon: open}\n", "1: There are no hours for holidays: add `holidays` to `hours`."),
        ("if_holiday: {next day: closed}\n", "1: Closed after which open holiday? Add its weekday, like mon: open."),
        (
            'hours: {daily: "9-19", holidays: "9-19"}\nif_holiday: {mon: open, next day: open}\n',
            '2: "next day" can only',
        ),
        ("if_holiday: {holidays: closed}\n", '1: "holidays" must be a weekday not named yet, or "next day".'),
        ("if_holiday: {mon: closed, 月: closed}\n", '1: "月" must be a weekday not named yet, or "next day".'),
        ('timezone: Europe/Paris\nhours: {daily: "9-19", holidays: closed}\n', "2: Only Japan's holidays (Asia/Tokyo)"),
        ("timezone: ../../etc/passwd\n", '1: There is no time zone "../../etc/passwd".'),
        ("name： すみれ\n", "1: Write lines like `name: My shop`, with a colon and a space."),
        ("- name\n", "1: Write lines like `name: My shop`, with a colon and a space."),
        ("\tname: x\n", "1: This is no YAML (while scanning"),
        ("name: a: b\n", "1: This is no YAML (mapping values are not allowed here)."),
        ("name: 'a\n", "2: This is no YAML (while scanning a quoted scalar"),
        ("name: &x a\naddress: *x\n", "2: This is no YAML (aliases (*) are not used here)."),
        ("name: [[[[[[[[[a]]]]]]]]]\n", "1: This is no YAML (nested too deeply)."),
        ("name: a\n---\nname: b\n", "2: This is no YAML (expected a single document"),
        ("name: a\nphone: \x07\n", "2: There is a control character here, which YAML does not allow."),
        ("? [a]\n: b\n", "1: A key must be a plain text."),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, sentence: str) -> None:
    problems = told(text)
    assert [problem for problem in problems if problem.startswith(sentence)], problems
    assert read_shop(text).shop is None


def test_a_day_without_hours_is_closed_and_warned_about() -> None:
    file = read_shop('hours: {mon-fri: "10:00-20:00"}\n')
    assert [(problem.severity, problem.ja) for problem in file.problems] == [
        ("warning", "土・日曜の時間がないので、休みとして扱います。")
    ]
    assert file.shop is not None
    assert file.shop.week == (*[DAY] * 5, CLOSED, CLOSED)


def test_special_hours_on_a_day_off_are_warned_about() -> None:
    file = read_shop("closed: [第3火曜]\nspecial: {2026-12-15: 10-20}\n")
    assert file.shop is not None
    assert [(problem.line, problem.severity) for problem in file.problems] == [(2, "warning")]


def test_nothing_is_ever_constructed_from_a_tag() -> None:
    file = read_shop('name: !!python/object/apply:os.system "true"\n')
    assert file.shop is not None
    assert file.shop.name == "true"


@given(st.text(max_size=200) | st.text(alphabet="name:hours[]{},-'\"\n #&*!|>%@`月祝0123456789", max_size=120))
def test_any_text_is_read_or_refused_with_a_line_that_exists(text: str) -> None:
    file = read_shop(text)
    assert (file.shop is None) == any(problem.severity == "error" for problem in file.problems)
    assert all(1 <= problem.line <= text.count("\n") + text.count("\r") + 3 for problem in file.problems)
