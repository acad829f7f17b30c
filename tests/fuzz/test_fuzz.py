"""2,000 random requests in the suite; `make fuzz` sends as many as are asked for."""

import os
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.fuzz.run import Fuzz, told
from tests.fuzz.world import World, stay_here

REQUESTS = 2000
SEED = int(os.environ.get("SEED", "20261123"))


@pytest.mark.slow
def test_no_request_breaks_the_program(db: None, settings: LazySettings, tmp_path: Path) -> None:
    settings.STORAGES, settings.DEMO = stay_here(str(tmp_path)), True
    world = World()
    world.store_photos()
    fuzz = Fuzz(world, SEED)
    failures = fuzz.run(REQUESTS)
    print(f"seed {SEED}, {REQUESTS} requests, answers {told(fuzz.answers)}")
    assert not failures, f"seed {SEED}: {len(failures)} of {REQUESTS}\n" + "\n".join(failures[:5])


def test_the_same_seed_sends_the_same_requests(db: None) -> None:
    world = World()
    first, second = Fuzz(world, 7), Fuzz(world, 7)
    assert [first.asked() for _ in range(50)] == [second.asked() for _ in range(50)]
    assert Fuzz(world, 8).asked() != Fuzz(world, 7).asked()
