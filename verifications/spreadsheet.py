"""Rows as a CSV file that is sent while they are read, safe from formulas. Knows no model."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

# Where a spreadsheet would begin a formula: at the start of a cell, and of what one that separates
# cells by other signs takes for a cell.
FORMULA = re.compile(r'(?:^|(?<=[,;|\t\r\n"]))(?=\s*[=+\-@＝＋－＠]|[\t\r\n\0])')


class Echo:
    """A file that gives back what is written to it, for csv to write a stream."""

    def write(self, text: str) -> str:
        return text


def download(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> StreamingHttpResponse:
    """`rows` end with a single cell that says so: a file that broke off shows."""
    response = StreamingHttpResponse(_lines(columns, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Without the mark at its beginning, Excel takes the file for something else than UTF-8."""
    writer = csv.writer(Echo(), quoting=csv.QUOTE_ALL)
    yield "\ufeff" + writer.writerow(columns)
    for cells in rows:
        missing = len(columns) - len(cells)
        yield writer.writerow([*map(plain, cells), *[""] * missing])


def plain(cell: str) -> str:
    """An apostrophe before what a spreadsheet would calculate."""
    return FORMULA.sub("'", cell)
