"""How a figure is printed: n, least, median, 95th and 99th of a hundred."""

import statistics
import sys
from collections.abc import Sequence


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def row(name: str, seconds: Sequence[float], note: str = "") -> None:
    if not seconds:
        say(f"{name:<44} no sample")
        return
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
    few = " (n < 10)" if len(seconds) < 10 else ""
    say(
        f"{name:<44} n={len(seconds):<5} min={min(seconds) * 1e3:8.1f} ms"
        f"  median={statistics.median(seconds) * 1e3:8.1f} ms  p95={cuts[94] * 1e3:8.1f} ms"
        f"  p99={cuts[98] * 1e3:8.1f} ms {note}{few}"
    )
