"""Typst in a child process: what it is given on stdin goes out as PDF/A and PDF/UA.

Knows nothing of ours, and no Django. Text comes in as data and never as language; the template can
read nothing but its own folder. PDF/A is refused where a letter would be an empty box.
"""

import json
import os
import resource
import sys

import typst

MEMORY = 1024 * 1024 * 1024
SECONDS = 6


def main() -> None:
    # Behind whoever waits for a page.
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # The soft limit's signal is its own; that of the hard one could be anybody's.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    told = json.load(sys.stdin)
    written = typst.compile(
        told["template"],
        root=told["folder"],
        font_paths=typst.Fonts(False, False, told["fonts"]),
        sys_inputs={"content": json.dumps(told["content"])},
        format="pdf",
        pdf_standards=["a-2a", "ua-1"],
        timestamp=told["at"],
    )
    sys.stdout.buffer.write(written)


if __name__ == "__main__":
    main()
