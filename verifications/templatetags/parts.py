"""Parts of a page that are drawn once.

{% icon "i-menu" %} and {% kept "components/sidebar.html" sections=… %} draw a template from the
values that are given, and remember what came out. What stands behind the word `blank` does not
choose the shape: the template is drawn with blanks, which are then filled in, escaped. In such a
template a blank is only written out: it meets no condition and no filter.

    {% kept "components/theme_menu.html" theme=user.theme blank here=path csrf_token=csrf_token %}

Nothing of an applicant may choose a shape: that would keep it in memory past its disposal.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.conf import settings
from django.template import Context, Node
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.template.loader import render_to_string

register = template.Library()

# No text that came in holds a NUL: it is refused at the door.
MARK = re.compile("\0([a-z_]+)\0")

# Text, the name of a blank, text, the name of a blank … text.
Pieces = tuple[str, ...]


def fill(name: str, shape: Mapping[str, Any], blanks: Mapping[str, object]) -> str:
    """The template in this shape, which hashes, with its blanks filled in."""
    drawn = _draw if settings.DEBUG else _drawn
    pieces = drawn(name, tuple(shape), tuple(blanks), *shape.values())
    if len(pieces) == 1:
        return pieces[0]
    texts = dict(zip(blanks, _escaped(blanks.values()), strict=True))
    return "".join([texts[piece] if place % 2 else piece for place, piece in enumerate(pieces)])


def _escaped(values: Collection[object]) -> list[str]:
    """Together: one by one takes twice as long."""
    texts = list(map(str, values))
    escaped = escape("\0".join(texts)).split("\0")
    return escaped if len(escaped) == len(texts) else list(map(escape, texts))


def _draw(name: str, shape: tuple[str, ...], blanks: tuple[str, ...], *values: Any) -> Pieces:
    marks = {blank: f"\0{blank}\0" for blank in blanks}
    context = {**dict(zip(shape, values, strict=True)), **marks}
    return tuple(MARK.split(render_to_string(name, context)))


# Typed: True is not 1, and text that is safe is not the same text that is not.
_drawn = lru_cache(maxsize=1024, typed=True)(_draw)
forget = _drawn.cache_clear


class Kept(Node):
    def __init__(
        self,
        name: str,
        shape: Mapping[str, FilterExpression],
        blanks: Mapping[str, FilterExpression],
    ) -> None:
        self.name, self.shape, self.blanks = name, shape, blanks

    def render(self, context: Context) -> str:
        shape = {name: value.resolve(context) for name, value in self.shape.items()}
        blanks = {name: value.resolve(context) for name, value in self.blanks.items()}
        return fill(self.name, shape, blanks)


@register.tag
def kept(parser: Parser, token: Token) -> Kept:
    _, name, *given = token.split_contents()
    at = given.index("blank") if "blank" in given else len(given)
    shape, blanks = given[:at], given[at + 1 :]
    return Kept(name.strip("\"'"), token_kwargs(shape, parser), token_kwargs(blanks, parser))


@register.tag
def icon(parser: Parser, token: Token) -> Kept:
    """{% icon "i-down" class="only-wide" %}: a drawing beside words, hidden from readers."""
    _, name, *given = token.split_contents()
    shape = {"name": parser.compile_filter(name), **token_kwargs(given, parser)}
    return Kept("components/icon.html", shape, {})
