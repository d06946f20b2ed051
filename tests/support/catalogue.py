"""A shop with entries that are easily mistaken for one another: what a language model is tried on."""

from functools import cache

from service.core.fitting import calibrate
from service.core.knowledge import Knowledge, build_knowledge
from tests.support.shop import entry

_THINGS = ("靴", "鞄", "帽子", "傘", "時計", "指輪", "財布")
_ASKED = (
    (
        "repair",
        "{}の修理はできますか",
        "{}を直してほしい 壊れた{}をなおせる? {}は直りますか {}の修理をお願いしたい {}が壊れた",
    ),
    ("price", "{}の値段はいくらですか", "{}はいくら? {}の料金が知りたい {}って高いですか {}の価格を教えて {}何円"),
    ("stock", "{}の在庫はありますか", "{}はまだありますか {}は売り切れ? {}を探しています {}は置いてますか {}ほしい"),
)
_OTHERS = (
    entry(
        "hours",
        "営業時間を教えてください",
        "何時まで開いていますか",
        "今日やってる?",
        "日曜も営業していますか",
        "いつ開きますか",
    ),
    entry("parking", "駐車場はありますか", "車で行けますか", "車停められる?", "パーキングありますか", "駐輪場は?"),
)
CATALOGUE = (
    *(
        entry(f"{kind}-{number}", question.format(thing), *(said.format(thing) for said in phrasings.split()))
        for number, thing in enumerate(_THINGS)
        for kind, question, phrasings in _ASKED
    ),
    *_OTHERS,
)


@cache
def learnt() -> Knowledge:
    """The catalogue with a calibration fitted to it: 100 probes of each kind."""
    return build_knowledge(CATALOGUE, calibration=calibrate(CATALOGUE))
