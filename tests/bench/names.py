"""Invented names: 400 first and 20,000 last, made of syllables, in the letters of many peoples.

A few names are everybody's and most are nobody's: that is what a search meets.
"""

import random
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

FIRST, LAST = 400, 20_000


class Script(NamedTuple):
    """How a people writes. Its syllables are Latin, or Latin/own letters."""

    countries: str
    weight: int
    length: tuple[int, int]
    syllables: str


SCRIPTS = [
    Script(
        "DE ES FR GB IT NL US",
        38,
        (2, 4),
        "an na ri el mar tin so fi lu ka jo ber ste len da vi nor ma til co ra ven do bi ger wal"
        " hu ro si mon ta per lia ne fer di gus tav",
    ),
    Script(
        "CZ DK HU LT PL SE TR VN",
        22,
        (2, 4),
        "žie dra ūl ė šar ūn łuc ja świę ør ström åke gö ran müş ğul çi dem ős zsó ñez"
        " řeh oř jiří đặng trần lê ão ção ír þor æsa vil ne va ko",
    ),
    Script(
        "BG KZ RS UA",
        11,
        (2, 4),
        "va/ва no/но li/ли mir/мир sve/све to/то ra/ра da/да zhiv/жив ka/ка yo/йо an/ан"
        " iz/из mis/мис len/лен ov/ов zor/зор ich/ич hal/гал ya/я bor/бор dy/ди ve/ве",
    ),
    Script(
        "CY GR",
        5,
        (2, 4),
        "pa/πα ra/ρα my/μυ tho/θο pou/που los/λος ef/εφ fro/φρο sy/σύ ni/νη ka/κα lli/λλι"
        " the/θε odo/οδω ky/κυ ria/ρία ke/κε dis/δης",
    ),
    Script(
        "EG JO MA TN",
        8,
        (2, 3),
        "nour/نور ha/ها ne/ن ami/أمي ra/رة la/لا li/لي sal/سل ma/ما kha/خا led/لد yas/ياس"
        " min/مين hou/هو da/دى fa/فا ri/ري d/د ab/عب al/ال",
    ),
    Script(
        "CN TW",
        6,
        (1, 2),
        "wang/王 li/李 zhang/张 liu/刘 chen/陈 yang/杨 zhao/赵 huang/黄 zhou/周 wu/吴 xu/徐 sun/孙"
        " hu/胡 zhu/朱 gao/高 lin/林 he/何 guo/郭 ma/马 luo/罗 ming/明 yu/宇 hao/浩 ran/然 zi/子"
        " han/涵 wen/文 jie/杰 yi/奕 lan/兰 mei/美 xin/欣 rui/瑞 bo/博 qing/清 xue/雪"
        " feng/峰 yun/云",
    ),
    Script(
        "JP",
        5,
        (1, 2),
        "sa/佐 to/藤 suzu/鈴 ki/木 taka/高 hashi/橋 ta/田 naka/中 wata/渡 nabe/辺 ito/伊 yama/山"
        " moto/本 mura/村 ko/小 bayashi/林 ka/加 yoshi/吉 da/田 sasa/佐 mat/松 i/井 no/野 saki/崎"
        " hana/花 yuki/雪 haru/春 aki/秋 mi/美 ichi/一 rou/郎 sakura/さくら akari/あかり yume/夢",
    ),
    Script(
        "KR",
        5,
        (1, 2),
        "gim/김 i/이 bak/박 choe/최 jeong/정 gang/강 jo/조 yun/윤 jang/장 im/임 han/한 o/오 seo/서"
        " sin/신 gwon/권 hwang/황 an/안 song/송 min/민 jun/준 ji/지 hyeon/현 ha/하 neul/늘 ye/예"
        " su/수 jin/진 yeong/영 ho/호 seong/성",
    ),
]


@dataclass(frozen=True)
class Name:
    """As a document writes it in Latin, and in its own letters where they are others."""

    latin: str
    original: str
    country: str


@cache
def _stock(script: Script) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """First and last names of a script, the commonest of them first."""
    chance = random.Random(script.syllables)
    share = script.weight / sum(each.weight for each in SCRIPTS)
    return _words(chance, script, round(FIRST * share)), _words(chance, script, round(LAST * share))


def _words(chance: random.Random, script: Script, number: int) -> list[tuple[str, str]]:
    syllables = [one.partition("/") for one in script.syllables.split()]
    shortest, longest = script.length
    words: dict[tuple[str, str], None] = {}
    while len(words) < number:
        # Where short words run out, longer ones follow.
        length = chance.randint(shortest, longest + (len(words) > len(syllables) ** longest // 2))
        parts = chance.choices(syllables, k=length)
        latin = "".join(part[0] for part in parts).capitalize()
        original = "".join(part[2] for part in parts)
        words[latin, original] = None
    return list(words)


WEIGHTS = [script.weight for script in SCRIPTS]


def drawn(chance: random.Random) -> tuple[Name, Name]:
    """First and last name of one invented person."""
    (script,) = chance.choices(SCRIPTS, WEIGHTS)
    first, last = _stock(script)
    country = chance.choice(script.countries.split())
    given = first[int(len(first) * chance.random() ** 2)]
    family = last[int(len(last) * chance.random() ** 3)]
    return Name(*given, country), Name(*family, country)
