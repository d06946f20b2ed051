"""A short message is also ranked together with the customer's one before it."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decisions import AskModel, Candidate
from service.core.followups import continued, may_follow_up
from service.core.knowledge import build_knowledge
from tests.support.shop import ENTRIES, NOON, entry, make_shop

SHOP = make_shop()


def question(text: str) -> AskModel:
    return AskModel(text, SHOP.rank(text).candidates)


@pytest.mark.parametrize(
    "text", ["じゃあ日曜は?", "子どもは？", "how much then?", "", "qwxz qwxz qwxz qwxz qwxz qwxz qwxz"]
)
def test_a_short_message_and_one_like_nothing_in_the_faq_may_go_on_from_another(text: str) -> None:
    assert may_follow_up(question(text))


@pytest.mark.parametrize("text", ["日曜日も朝から営業していますか", "do you also cut the hair of little children?"])
def test_a_message_that_says_what_it_is_about_stands_alone(text: str) -> None:
    assert not may_follow_up(AskModel(text, (Candidate("hours", 0.5),)))


def test_what_the_message_before_was_about_joins_the_candidates() -> None:
    alone = question("子どもは?")
    together = continued(alone, "カットの料金はいくらですか", SHOP, NOON)
    chances = {candidate.entry: candidate.probability for candidate in together.candidates}
    assert chances["cut"] > 10 * {each.entry: each.probability for each in alone.candidates}.get("cut", 0.0)
    assert (together.text, together.may_clarify) == (alone.text, alone.may_clarify)


def test_what_the_message_says_alone_still_counts_for_half() -> None:
    alone = question("カラーは?")
    together = {each.entry: each.probability for each in continued(alone, "駐車場はありますか", SHOP, NOON).candidates}
    assert together["color"] >= alone.candidates[0].probability / 2


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_probabilities_stay_at_most_1_together_and_best_first(text: str, before: str) -> None:
    chances = [each.probability for each in continued(question(text), before, SHOP, NOON).candidates]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) <= 10
    assert sum(chances) <= 1 + 1e-9


def test_an_entry_that_has_run_out_does_not_come_back() -> None:
    past = entry("past", "年末の営業を教えてください", "大晦日はやってますか", valid_until=date(2025, 11, 24))
    shop = build_knowledge([*ENTRIES, past])
    now = datetime(2025, 11, 26, 3, tzinfo=UTC)
    found = continued(AskModel("何時から?", ()), "大晦日はやってますか", shop, now).candidates
    assert "past" not in {candidate.entry for candidate in found}
    assert found
