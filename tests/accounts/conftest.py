import pytest

from accounts.models import User
from tests import factories


@pytest.fixture
def root(db: None) -> User:
    return factories.superuser("Root")


@pytest.fixture
def rita(db: None) -> User:
    return factories.superuser("Rita")


@pytest.fixture
def ruth(db: None) -> User:
    return factories.superuser("Ruth")
