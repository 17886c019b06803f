"""A store for tests of what no database has a part in, and an issuer whose keys the test holds."""

from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio
from joserfc.jwk import Key

from activities.store import Store
from tests.standins.issuer import IssuerStandIn, rsa_key


@pytest_asyncio.fixture
async def one_store(sqlite_url: str) -> AsyncGenerator[Store]:
    """A store on an SQLite file, with its schema and no row."""
    opened = Store(sqlite_url)
    await opened.upgrade()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def key() -> Key:
    """The key that the issuer publishes."""
    return rsa_key("key-1")


@pytest.fixture
def issuer(key: Key) -> Generator[IssuerStandIn]:
    """An issuer that answers, with one key."""
    with IssuerStandIn(key) as stand_in:
        yield stand_in
