"""Fills one database with seeded rows: called by `python -m tests.bench build`."""

import argparse
import sys

import django

django.setup()

from tests.bench import elsewhere  # noqa: E402 - there are no models before

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    for option in ("--keep", "--anew"):
        parser.add_argument(option, action="store_true")
    try:
        elsewhere.prepare(**vars(parser.parse_args()))
    except elsewhere.NotOurs as refusal:
        sys.exit(str(refusal))
