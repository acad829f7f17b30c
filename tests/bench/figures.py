"""How figures are printed."""

import statistics
import sys
from collections.abc import Sequence


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def cut(seconds: Sequence[float], percent: int) -> float:
    """The value that so many of a hundred stay below."""
    if len(seconds) < 2:
        return seconds[0]
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]


def row(name: str, seconds: Sequence[float], note: str = "") -> None:
    """One line; `!` where there are fewer than ten samples."""
    if not seconds:
        say(f"  {name:<42} no sample")
        return
    few = "!" if len(seconds) < 10 else " "
    say(
        f"  {name:<42} n={len(seconds):<5}{few} min={min(seconds) * 1e3:8.1f} ms"
        f"  median={statistics.median(seconds) * 1e3:8.1f} ms  p95={cut(seconds, 95) * 1e3:8.1f} ms"
        f"  p99={cut(seconds, 99) * 1e3:8.1f} ms {note}"
    )
