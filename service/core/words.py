"""Three kinds of message that need no FAQ: asking for a person, a greeting, and courtesy that asks for nothing.

They are recognised only as a whole: after normalising, the text must consist of the phrases below and of nothing
else. 「ありがとう、あと駐車場は?」 holds more than thanks, so it is no courtesy. What is missed here costs a look-up in
the FAQ; what is taken wrongly leaves a customer unanswered, so an unclear phrase (「お願いします」 alone) stays out.
"""

import re
import unicodedata
from collections.abc import Collection

from service.core.normalize import normalize

_COURTESY_LEADS = """
    あ/あっ/どうも/本当に/ほんとに/ほんと/いつも/いろいろ/色々/色々と/いろいろと/わざわざ/早速/早速の/さっそく
    ご丁寧に/丁寧に/親切に/すぐに/ご連絡/ご返信/返信/ご返事/お返事/ご回答/ご対応/ご案内/ご確認/お忙しい中
    お忙しいところ
"""
_COURTESY = """
    ありがとう/ありがとうね/ありがとうです/ありがとうございます/ありがとうございました/ありがとうござい
    ありがとうごさいます/ありがとうこざいます/ありがと/ありがとね/ありがとん/有難う/有難うございます
    有り難うございます/有難うございました/あざす/あざっす/あざます/あざいます/あり/サンキュー/サンキュ/さんきゅ
    さんきゅう/せんきゅ/どうも/どうもです/どもです/ども/感謝です/感謝します/感謝いたします/助かります/助かりました
    助かる/たすかります/たすかりました/恐れ入ります/おそれいります/恐縮です/すみませんでした/失礼しました
    失礼いたしました/失礼します/失礼いたします/お手数おかけします/お手数をおかけします/お手数おかけしました
    お手数をおかけしました/はい/はいです/はいはい/うん/うんうん/ええ/了解/了解です/了解しました/了解いたしました
    了解っす/りょうかい/りょうかいです/りょーかい/りょーかいです/りょ/り/承知/承知です/承知しました/承知いたしました
    承知致しました/了承しました/かしこまりました/かしこまり/わかりました/分かりました/判りました/わかった/分かった
    わかりましたよ/わかったよ/ok/okです/okよ/オッケー/オッケーです/オーケー/オーケーです/おっけー
    おっけーです/おけ/おけです/おけまる/おーけー/おk/okー/おっけ/オケ/オケです/大丈夫です/大丈夫/だいじょうぶです
    だいじょうぶ/大丈夫でした/いえ大丈夫です/いいえ大丈夫です/問題ないです/問題ありません/問題なしです/いえいえ
    とんでもないです/とんでもございません/なるほど/なるほどです/なるほどですね/そうですか/そうなんですね/そうなんだ
    そうですね/そうでしたか/へえ/ほう/よかった/よかったです/良かった/良かったです/嬉しい/嬉しいです/うれしい
    うれしいです/やった/最高/最高です/よろしく/よろしくです/よろしくお願いします/よろしくおねがいします
    よろしくお願いいたします/よろしくお願い致します/宜しくお願いします/宜しくお願いいたします/宜しくお願い致します
    宜しくおねがいします/よろしくお願いしまーす/楽しみ/楽しみです/楽しみにしてます/楽しみにしています
    楽しみにしております/また連絡します/またご連絡します/また連絡いたします/またご連絡いたします/また来ます
    また行きます/また伺います/また伺いますね/また考えます/検討します/検討してみます/考えてみます/待ってます
    待っています/お待ちしています/お待ちしております/お待ちしてます/おやすみなさい/おやすみ/では/またね/ではまた
    それでは/ばいばい/バイバイ/さようなら/w/笑
"""
_COURTESY_TAILS = "っ/ぁ/ぅ/ぇ/w/笑"
_THANKS = """
    thanks/thank you/thank u/thx/thnx/thanx/tnx/ty/tysm/many thanks/cheers/ok/okay/okey/okie/oki/k/kk/okey dokey
    sure/sure thing/got it/i got it/gotcha/understood/i understand/i see/noted/all right/alright/right/great/perfect
    sounds good/awesome/nice/cool/good/very good/wonderful/excellent/lovely/amazing/no problem/no worries/np/will do
    much appreciated/appreciate it/i appreciate it/really appreciate it/yes/yeah/yep/yup/fine/that's fine
    that's great/that's all/that is all/that helps/never mind/nevermind/nvm/bye/bye bye/goodbye/see you/see ya
    see you then/see you soon/see you tomorrow/have a nice day/have a great day/have a good day/you too/lol/haha
    arigato/arigatou/arigato gozaimasu/arigatou gozaimasu
"""
_THANKS_TAILS = """
    so much/very much/a lot/a bunch/again/anyway/then/for your help/for the help/for your reply/for the reply
    for the quick reply/for the info/for the information/for letting me know/for your time/in advance/guys/all
    everyone/both
"""
_LONGEST_COURTESY = 80

# Emoji that ask for nothing; an angry or a puzzled one is worth a look.
_GOOD_SIGNS = frozenset(
    "👍👌🙏🙇🙆👏✌🤝💪🎉🎊✨💐🌸🌷🌹🌺🌟⭐💫🍀❤♥♡💕💖💗💓💞💝💛💙💚🧡💜🤍🩷🩵💘😊☺😀😃😄😁😆🙂😉😌😇🥰😍😘🤗🤩😂🤣🥹🥲😋😎🫶🙌💯"
    "🫡⭕🆗🙋💁☆★♪♫♬🎵🎶♀♂"
)
_GOOD_FACES = re.compile(
    r"\((?:love|happy|ok|okay|heart|hearts|smile|blush|wink|please|thumbsup|good|bow|star|flower|shiny|moon\w*)\)"
    r"|m\(_+\)m|\\?\(\*?\^[-_o.]?\^\*?[;)]+/?|\^_?\^"
)
# Joiners, variation selectors and skin colours say nothing about the mood.
_COLOURLESS = {"Cc", "Cf", "Mn", "Me", "Sk"}
_QUESTION_MARKS = set("?？⁇⁈⁉❓❔")


def _any_of(*lists: str) -> str:
    """A pattern for each phrase of lists written as a/b/c, normalised, longest first."""
    phrases = {normalize(phrase) for words in lists for phrase in re.split(r"[/\n]", words)} - {""}
    return "(?:" + "|".join(map(_as_pattern, sorted(phrases, key=len, reverse=True))) + ")"


def _as_pattern(phrase: str) -> str:
    """A laughing w may follow anything, but it is not where a word begins: "whey"."""
    return "w(?![a-vx-z])" if phrase == "w" else re.escape(phrase)


_COURTEOUS = (
    rf"(?:{_any_of(_COURTESY_LEADS)}*{_any_of(_COURTESY)}{_any_of(_COURTESY_TAILS)}*"
    rf"|{_any_of(_THANKS)}(?: {_any_of(_THANKS_TAILS)})*)"
)
_COURTESY_ONLY = re.compile(rf"{_COURTEOUS}(?: ?{_COURTEOUS})*")


def is_courtesy(text: str, more: Collection[str] = ()) -> bool:
    """Tell whether one line is thanks, "ok", a closing phrase or a friendly emoji and nothing else.

    Phrases may follow one another with or without punctuation. A line with a question mark never is courtesy, but for
    the shop's own phrases in `more` (normalised), which hold exactly.
    """
    words = normalize(text)
    if words in more:
        return True
    if _QUESTION_MARKS & set(text):
        return False
    if not words:
        return _is_friendly_sign(text)
    return len(words) <= _LONGEST_COURTESY and _COURTESY_ONLY.fullmatch(words) is not None


def _is_friendly_sign(text: str) -> bool:
    compact = "".join(unicodedata.normalize("NFKC", text).split())
    rest = _GOOD_FACES.sub("", compact)
    signs = {char for char in rest if unicodedata.category(char) not in _COLOURLESS} - set("!.。、…")
    return (bool(signs) or rest != compact) and signs <= _GOOD_SIGNS


# Whoever opens with these is about to ask something; 「お願いします」 and a bare name are not among them.
_GREETINGS = """
    こんにちは/こんにちわ/こんちは/こんちわ/こんばんは/こんばんわ/おはよう/おはようございます/おはようございまーす/お早うございます
    はじめまして/初めまして/ごめんください/ごめん下さい/もしもし/やあ/ハロー/はろー/おつかれさまです/お疲れ様です/お疲れさまです
    お世話になります/お世話になっています/お世話になっております/お世話になってます/お世話様です/突然すみません
    突然失礼します/突然失礼いたします/夜分にすみません/夜分遅くにすみません/夜分遅くに失礼します/夜分に失礼します/夜遅くにすみません
    朝早くにすみません/朝早くから失礼します/お忙しいところすみません/お忙しいところ恐れ入ります/お忙しいところ失礼します
    すみません/すいません/すみませーん/あのー/あの/ちょっといいですか/少しいいですか/今いいですか/いまいいですか
    今よろしいでしょうか/よろしいでしょうか/質問です/質問があります/質問がありまして/質問があるのですが/質問があるんですが
    質問いいですか/質問してもいいですか/質問よろしいですか/質問してもよろしいですか/質問させてください/ちょっと質問です/ちょっと質問があります
    聞きたいことがあります/聞きたいことがあるのですが/聞きたいことがあるんですが/聞きたいことがあるんですけど/聞いてもいいですか
    ちょっと聞きたいんですけど/ちょっと聞きたいことがあります/お聞きしたいことがあります/お聞きしたいことがあるのですが
    お聞きしたいのですが/お聞きしてもいいですか/お尋ねします/お尋ねしたいことがあります/お伺いしたいことがあります/お伺いします
    問い合わせです/お問い合わせです/問い合わせしたいです/相談があります/ご相談があります/相談したいことがあります/相談です/ご相談です
"""
_HELLOS = """
    hi/hello/hey/hiya/hi there/hello there/hey there/good morning/good afternoon/good evening/good day/greetings
    howdy/excuse me/i have a question/i've got a question/i have some questions/i have a few questions/question
    quick question/can i ask a question/can i ask you a question/may i ask a question
    can i ask you something/can i ask something/could i ask a question/how are you/nice to meet you/konnichiwa/konbanwa
    ohayo/ohayou/ohayou gozaimasu/is anyone there/anyone there
"""
_GREETING_LEADS = """
    いつも/ちょっと/少し/すこし/ひとつ/一つ/1つ/1点/一点/いくつか/突然ですが/初めてなんですが/はじめてなんですが/初めてですが/あの
"""
_OPENING = rf"(?:{_any_of(_GREETING_LEADS)}*{_any_of(_GREETINGS)}|{_any_of(_HELLOS)})"
_GREETING_ONLY = re.compile(rf"(?:{_COURTEOUS} ?)*{_OPENING}(?: ?(?:{_OPENING}|{_COURTEOUS}))*")
_WAVES = frozenset("👋🤚✋")


def is_greeting(text: str) -> bool:
    """Tell whether one line only says hello, or that a question is about to come."""
    words = normalize(text)
    if not words:
        signs = {char for char in text if unicodedata.category(char) not in _COLOURLESS | {"Zs"}}
        return bool(signs) and signs <= _WAVES
    return len(words) <= _LONGEST_COURTESY and _GREETING_ONLY.fullmatch(words) is not None


_STAFF = """
    スタッフ/スタッフさん/スタッフの方/スタッフの人/スタッフ様/店員/店員さん/店員の方/担当者/担当者さん/担当者様
    担当者の方/担当の方/担当の人/担当さん/オペレーター/オペレーターさん/オペレータ/係の人/係の方/係員/お店の人
    お店の方/店の人/店の方/中の人/中の方/窓口の人/有人/有人対応/有人チャット/生身の人/生身の人間/本物の人/本物の人間
"""
_ANYONE = """
    人/人間/ひと/誰か/だれか/誰かスタッフ/どなたか/店長/店長さん/責任者/責任者の方/オーナー/オーナーさん
"""
_WISHES = """
    話したい/話がしたい/話をしたい/話せる/話せますか/話せませんか/話させて/話す/話し合いたい/はなしたい/お話したい
    お話ししたい/お話がしたい/お話をしたい/お話できますか/お話しできますか/お話しすることはできますか/会話したい
    会話がしたい/やりとりしたい/やり取りしたい/やりとりできますか/チャットしたい/連絡したい/連絡を取りたい
    連絡とりたい/連絡取れますか/聞きたい/聞く/聞きたいことがある/聞きたいことがあります/聞いて/聞いてほしい
    お聞きしたい/直接聞きたい/質問したい/質問がある/質問があります/相談したい/相談がある/相談があります/ご相談したい
    相談できますか/問い合わせたい/問合せたい/お問い合わせしたい/確認したい/確認して/確認してほしい/伝えたい/代わって
    かわって/変わって/代わってほしい/代わってもらえますか/代わる/かわってもらえますか/繋いで/つないで/つなげて
    繋げて/繋いでほしい/つないでほしい/つないでもらえますか/繋いでもらえますか/つなぐ/繋ぐ/呼んで/呼んでほしい
    出して/取り次いで/対応して/対応してほしい/対応してもらいたい/対応をお願いしたい/返信してほしい/返事してほしい
    返事がほしい/返信がほしい/返信ください/連絡ください/答えてほしい
"""
_PLEAS = """
    お願い/お願いします/おねがいします/お願いいたします/お願い致します/お願いできますか/をお願いします
    でお願いします/希望/希望です/を希望/を希望します/希望します/いますか/いませんか/はいますか/はいませんか
    いらっしゃいますか/はいらっしゃいますか/ください/に/を/と/と直接/に直接/です/対応/による対応/の対応/対応希望
    対応お願いします/の対応を希望します
"""
_PARTICLES = "と/に/へ/を/が/から/の/と直接/に直接/と直に/と電話で/とチャットで/とlineで"
_ENDINGS = """
    です/のです/んです/のですが/んですが/んですけど/のですけど/んだけど/けど/ですが/ですけど/な/なあ/と思います
    と思っています/のでお願いします/ことはできますか/ことできますか/方法はありますか/にはどうすればいいですか
    にはどうしたらいいですか/ください/下さい/くださいませ/もらえますか/もらえませんか/いただけますか
    いただけませんか/頂けますか/くれますか/くれませんか/くれ/ほしい/ほしいです/欲しい/欲しいです/ほしいのですが
    ほしいんですが/ちょうだい/もらえる/もらっていいですか/ことがある/ことがあります/ことがあるのですが
    ことがあるんですが/ことがあって
"""
_CALLS = """
    すみません/すいません/すみませんが/すいませんが/あの/あのー/やっぱり/やはり/できれば/出来れば/とりあえず
    ちょっと/いいから/直接/早く/はやく/一度/こんにちは/こんばんは/おはようございます/お世話になっています
    お世話になっております/ボットじゃなくて/ボットではなく/botじゃなくて/botではなく/aiじゃなくて/aiじゃなく
    aiではなく/aiではなくて/自動応答じゃなくて/自動応答ではなく/自動返信じゃなくて/自動返信ではなく/自動じゃなくて
    自動ではなく/機械じゃなくて/機械ではなく
"""
_HUMANS = """
    human/human being/real person/real human/actual person/actual human/live person/live agent/human agent
    agent/operator/representative/rep/staff/staff member/member of staff/someone there
    someone in person/staff person/customer service/customer support/someone at the shop
    someone at the salon/someone from the shop/someone from your team/someone who speaks english
"""
_SOMEONE = "someone/somebody/person/support/manager"
_ASKS = """
    i want to/i'd like to/i would like to/i need to/i wanna/can i/can i please/could i/could i please/may i/let me
    how can i/how do i/is it possible to/is there a way to/can you/could you/can we/want to/need to/would like to
    i prefer to/i'd rather
"""
_TALKS = """
    talk to/talk with/speak to/speak with/chat with/chat to/connect me to/connect me with/transfer me to
    put me through to/get me/connect to/contact/reach/get hold of/message
"""
_WANTS = "i want/i need/give me/get me/i'd like/i would like/is there"

_ASKS_IN_JAPANESE = (
    rf"(?:{_any_of(_STAFF, _ANYONE)}{_any_of(_PARTICLES)}?{_any_of(_WISHES)}{_any_of(_ENDINGS)}?"
    rf"|{_any_of(_STAFF)}{_any_of(_PLEAS)}?)"
)
_A = r"(?:an? |the |your |one of your |one of the )?"
_ASKS_IN_ENGLISH = (
    rf"(?:please )?(?:(?:{_any_of(_ASKS)} )?(?:please )?{_any_of(_TALKS)} {_A}{_any_of(_HUMANS, _SOMEONE)}"
    rf"|(?:{_any_of(_WANTS)} )?{_A}{_any_of(_HUMANS)})(?: please| now| instead| directly)*"
)
_GREETING = r"(?:(?:hi|hello|hey|hi there|excuse me|sorry|no) )*"
_ASKS_FOR_PERSON = re.compile(
    rf"(?:{_COURTEOUS} ?)*{_any_of(_CALLS)}*{_ASKS_IN_JAPANESE}|(?:{_COURTEOUS} )?{_GREETING}{_ASKS_IN_ENGLISH}"
)
_LONGEST_ASKING = 100


def asks_for_person(text: str, more: Collection[str] = ()) -> bool:
    """Tell whether one line asks for a human being and for nothing else, politely or not.

    `more` are the shop's own phrases for it (normalised), which hold exactly.
    """
    words = normalize(text)
    return words in more or (len(words) <= _LONGEST_ASKING and _ASKS_FOR_PERSON.fullmatch(words) is not None)
