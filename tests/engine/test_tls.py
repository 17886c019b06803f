"""The engine spoken to by TLS, each side showing who it is."""

from pathlib import Path
from typing import Any

import pytest

from starter.client import EngineSilentError, connect
from starter.settings import Settings
from tests.engine.conftest import Theatre
from tests.standins.certificate import Made, by_tls_only, made

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLED = "engine.invented.example"


async def answers(port: int, **settings: Any) -> bool:
    try:
        engine = Settings(engine_address=f"127.0.0.1:{port}", **settings).engine
        await connect(engine, "default", 5)
    except EngineSilentError:
        return False
    return True


async def test_the_engine_is_spoken_to_by_tls_and_shown_a_certificate(theatre: Theatre, tmp_path: Path) -> None:
    authority, stranger = made(tmp_path, "authority.invented.example"), made(tmp_path, "stranger.invented.example")
    engine, mine = made(tmp_path, CALLED, by=authority), made(tmp_path, "homeward.invented.example", by=authority)
    forged = made(tmp_path, "forged.invented.example", by=stranger)

    def showing(one: Made, *, trusts: Made = authority, name: str = CALLED) -> dict[str, Any]:
        files = {"engine_tls_certificate": one.certificate_file, "engine_tls_key": one.key_file}
        return {**files, "engine_tls_ca": trusts.certificate_file, "engine_tls_name": name}

    address = theatre.environment.client.service_client.config.target_host
    async with by_tls_only(address, engine, authority) as port:
        assert await answers(port, **showing(mine))
        assert not await answers(port), "in plain text"
        showing_none = {"engine_tls_ca": authority.certificate_file, "engine_tls_name": CALLED}
        assert not await answers(port, **showing_none), "nothing is shown to it"
        assert not await answers(port, **showing(forged)), "not of the authority"
        assert not await answers(port, **showing(mine, trusts=stranger)), "an engine of another authority"
        assert not await answers(port, **showing(mine, name="other.invented.example")), "an engine of another name"
        assert not await answers(port, engine_tls=True), "an engine that the system does not trust"
