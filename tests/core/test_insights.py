"""The owner's numbers, and messages that ask the same."""

from hypothesis import given
from hypothesis import strategies as st

from service.core.fitting import calibrate
from service.core.insights import add_up, describe, group_alike
from service.core.thresholds import Learned
from tests.support.shop import ENTRIES, make_shop


def test_days_are_added_up_and_what_is_no_message_is_left_out() -> None:
    first = {"turn answer sure": 6, "turn answer keyword": 1, "turn clarify unsure": 2, "entry cut": 6, "replied 5": 2}
    second = {"turn handoff no_entry": 3, "turn silent not_a_message": 9, "turn greet welcome": 4, "entry cut": 1}
    found = add_up([first, second, {"entry hours": 2, "replied 120": 1, "turn silent courtesy": 1, "odd": 3}])
    assert (found.messages, found.answered, found.clarified, found.handed_over) == (13, 7, 2, 3)
    assert (found.replied, found.first_reply) == (3, 5)
    assert found.used == (("cut", 7), ("hours", 2))
    assert found.share(found.answered) == 7 / 13


def test_no_days_are_no_numbers() -> None:
    found = add_up([{}, {}])
    assert (found.messages, found.first_reply, found.used, found.share(0)) == (0, None, (), 0.0)


def test_messages_that_ask_the_same_stand_together_the_commonest_first() -> None:
    texts = [
        "個室はありますか",
        "ピアノの調律",
        "個室ありますか？",
        "個室ってありますか",
        "エクステできますか",
        "エクステできる？",
    ]
    assert group_alike(texts) == [[0, 2, 3], [4, 5], [1]]


@given(st.lists(st.text(max_size=12), max_size=12))
def test_every_message_is_in_one_group(texts: list[str]) -> None:
    assert sorted(place for group in group_alike(texts) for place in group) == list(range(len(texts)))


def test_a_worker_says_how_sure_it_is_and_where_the_share_comes_from() -> None:
    shop = make_shop().with_calibration(calibrate(ENTRIES))
    found = describe(shop)
    assert (found.promise, found.wrong, found.share, found.share_is) == (0.05, None, 0.4, "assumed")
    assert (found.entries, found.never_sure, found.lifted) == (6, 4, False)
    assert found.named[0] == "カラーの料金はいくらですか"
    taught = describe(shop.taught(Learned(share=0.3, messages=250, at_least=0.99)))
    assert (taught.share_is, taught.share, taught.messages, taught.lifted) == ("estimated", 0.3, 250, True)
