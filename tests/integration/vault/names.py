"""Names of recordings in many scripts, and such as are made of what questions are made of."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

from events.vault.audio import MUSICAL_KEYS
from projections.vault.genres import GENRES
from read_api.vault.search.vocabulary import INSTRUMENT_OF, MOOD_OF

_LETTERS = {
    "latin": "aàâäãåæbcçdðeéèêëfgğhiíîïıjklłmnñoóôöõøœpqrřsšßtþuúûüůvwxyýzž",
    "cyrillic": "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў",
    "greek": "αάβγδεέζηήθιίϊΐκλμνξοόπρσςτυύφχψωώ",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهويأإآؤئةى",
    "hebrew": "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
    "hangul": "가각간강개거검고골공과광교구국군그기길나날남내너노눈다달대도동두라락람러리마"
    "만말머모무문물미민바반발밤방백별보봄부북불비빛사산살상새서선섬성소손송수시신"
    "심아안양어여연영오온용우원위유은을음이인일",
    "kana": "あいうえおかきくけこがぎぐげごさしすせそなにはひふへほぱぴ"
    "アイウエオカキクケコガギグパピプペポラリルレロワンー",
    "half kana": "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎﾗﾘﾙﾚﾛﾜﾝｰﾞﾟ",
    "han": "夜月雨風花雪夢海山川星空春夏秋冬東京北南西中国人心音楽歌曲愛情时间音乐",
    "thai": "กขคงจชซญดตถทธนบปผพฟภมยรลวศสหอะาิีึืุูเแโใไ่้๊๋์",
    "devanagari": "अआइईउऊएऐओऔकखगघचछजझटठडढतथदधनपफबभमयरलवशषसहािीुूेैोौं़्",
    "full width": "ＡＢＣＤＥａｂｃｄｅｆｇｈｉ０１２３",
    "emoji": "🎵🎶🔥❤💀👩🌊🎸✨🥁😀👍🏽🇩🇪",
    "signs": "!?*#+-_=.,:;()[]{}<>~^%$€£÷×·•…—–'\"`´|\\@&§°©®™½²",
}
_MARKS = {"arabic": "ًٌٍَُِّْٰ", "hebrew": "ְֱֲֳִֵֶַָֹֻּׁׂ"}
_SPOKEN = (
    *("no vocals", "with vocals", "lead vocals", "instrumental", "without drums", "in A minor"),
    *("140 bpm", "128bpm", "around 120", "under 100 bpm", "over 2:30", "2-4 min", "120-130 bpm"),
    *("since 2020", "before 2024", "last week", "this month", "added today", "2024-02-30", "2024"),
    *("key:Am", 'genre:"hip hop"', "bpm:120-130", "mood:dark", "8A", "8A~", "compatible with Dm"),
    *("high energy", "R&B", "D&B", "the", "of", "a", "in", "no", "and", "OR", "NOT", "&", "|"),
    *(
        '"quoted',
        '"both"',
        "it's",
        "Am",
        "F#m",
        "C#",
        "take 2",
        "take 10",
        "v2",
        "(final)",
        "[demo]",
    ),
)
_ENDINGS = (".wav", ".flac", ".mp3", ".aif", ".m4a", ".WAV")


def generated(count: int, seed: int) -> list[str]:
    """`count` file names, each once, without their endings."""
    chance = random.Random(seed)
    kinds: list[Callable[[random.Random], str]] = [_script(name) for name in _LETTERS]
    kinds += [_of_grammar] * 6 + [_glued, _numbered, _long]
    found: dict[str, None] = {}
    while len(found) < count:
        name = chance.choice(kinds)(chance).strip()
        if chance.random() < 0.2:
            name = unicodedata.normalize(chance.choice(("NFD", "NFC", "NFKC")), name)
        if name and len(name.encode()) < 240:
            found[name] = None
    return list(found)


def ending(chance: random.Random) -> str:
    return chance.choice(_ENDINGS)


def _script(name: str) -> Callable[[random.Random], str]:
    letters, marks = _LETTERS[name], _MARKS.get(name, "")

    def word(chance: random.Random) -> str:
        made = "".join(
            chance.choice(letters)
            + (chance.choice(marks) if marks and chance.random() < 0.4 else "")
            for _ in range(chance.randint(1, 8))
        )
        return chance.choice((str, str.upper, str.title, str))(made)

    return lambda chance: " ".join(word(chance) for _ in range(chance.randint(1, 4)))


def _of_grammar(chance: random.Random) -> str:
    words = (*_SPOKEN, *MOOD_OF, *INSTRUMENT_OF, *MUSICAL_KEYS)
    genres = [spelling for spellings in GENRES.values() for spelling in spellings]
    said = [
        chance.choice((chance.choice(words), chance.choice(_SPOKEN), chance.choice(genres)))
        for _ in range(chance.randint(1, 4))
    ]
    return chance.choice((" ", " ", " - ", "_", ", ")).join(said)


def _glued(chance: random.Random) -> str:
    words = [chance.choice((*MOOD_OF, *INSTRUMENT_OF)).title() for _ in range(3)]
    return chance.choice(("", "-", "_")).join(words) + chance.choice(("", "2", "01", "140"))


def _numbered(chance: random.Random) -> str:
    number = chance.choice((1, 2, 10, 100, 174, 140, "01", "001", 10**30))
    return f"Take {number}{chance.choice('abc ')}"


def _long(chance: random.Random) -> str:
    return " ".join(_of_grammar(chance) for _ in range(9))[:230]
