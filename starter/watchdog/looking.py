"""One look at whether Homeward goes on: the records, the engine, the workers, the service, and what comes to an end."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from activities.health.findings import KINDS
from activities.health.look import Standstill
from activities.policies import Policies
from activities.store import Store, StoreUnavailableError
from activities.store.figures import Figures, figures_of
from starter.engine_room import EngineRoom
from starter.standing import agreement_stands, policies_stand, today_of
from starter.watchdog.alarms import Trouble
from starter.watchdog.certificates import Shown, file_good_until, good_until

STORE_SECONDS: Final = 20.0
SERVICE_SECONDS: Final = 10.0
_WELL: Final = 204


@dataclass(frozen=True)
class Look:
    """What one look found. Where the records cannot be read there is neither `standstill` nor `figures`."""

    troubles: Sequence[Trouble]
    standstill: Standstill | None = None
    figures: Figures | None = None


@dataclass(frozen=True)
class Watched:
    """What the watchdog looks at.

    `service` is where the HTTP service is reached; `certificates` where they are
    shown; `shown_to_engine` is the file of the certificate that our parts show to
    the engine, if they show one; `expiries` says when keys end that nobody can ask about; `warn` is how
    long before an end it is a trouble.
    """

    store: Store
    room: EngineRoom
    policies: Policies
    authority: str
    service: str
    certificates: Sequence[Shown]
    shown_to_engine: Path | None
    expiries: Mapping[str, date]
    warn: timedelta

    async def look(self, now: datetime) -> Look:
        """Look at everything, at `now` (UTC); what cannot be looked at is a trouble itself."""
        troubles = [one async for one in self._apart_from_records(now)]
        try:
            async with asyncio.timeout(STORE_SECONDS):
                standstill = await self.room.standstill(self.store, self.authority, now)
                async with self.store.snapshot() as session:
                    figures = await figures_of(session, self.authority, now)
                    agrees = await agreement_stands(session, self.authority, now, self.room.compares_every)
        except (StoreUnavailableError, TimeoutError):
            return Look([_RECORDS_AWAY, *troubles])
        if agrees.overdue:
            troubles.append(Trouble("not_compared", agrees.line, _COMPARE_HELPS))
        return Look([*_standing_still(standstill), *troubles], standstill, figures)

    async def _apart_from_records(self, now: datetime) -> AsyncGenerator[Trouble]:
        if not await self._service_is_well():
            yield _SERVICE_AWAY
        calendar = policies_stand(self.policies, today_of(now))
        if calendar.well is not True:
            yield Trouble("calendar_ends", calendar.line, _CALENDAR_HELPS)
        for shown_at in self.certificates:
            if trouble := await self._certificate(shown_at, now):
                yield trouble
        if self.shown_to_engine and (trouble := self._shown_to_engine(self.shown_to_engine, now)):
            yield trouble
        for name, day in self.expiries.items():
            left = day - today_of(now)
            if left <= self.warn:
                yield Trouble(f"key_ends:{name}", f"The key {name} {_ends(left.days, day)}", _KEY_HELPS)

    async def _service_is_well(self) -> bool:
        try:
            async with httpx.AsyncClient(timeout=SERVICE_SECONDS, trust_env=False) as client:
                return (await client.get(f"{self.service}/health")).status_code == _WELL
        except httpx.HTTPError:
            return False

    async def _certificate(self, shown_at: Shown, now: datetime) -> Trouble | None:
        key = f"certificate_ends:{shown_at}"
        try:
            until = await good_until(shown_at)
        except OSError:
            return Trouble(key, f"No certificate is shown at {shown_at}", _NO_CERTIFICATE_HELPS)
        return self._ending(key, f"The certificate of {shown_at}", until, now, _CERTIFICATE_HELPS)

    def _shown_to_engine(self, file: Path, now: datetime) -> Trouble | None:
        key = "engine_certificate_ends"
        try:
            until = file_good_until(file)
        except OSError:
            return Trouble(key, "The certificate that is shown to the engine cannot be read", _OWN_CERTIFICATE_HELPS)
        return self._ending(key, "The certificate that is shown to the engine", until, now, _OWN_CERTIFICATE_HELPS)

    def _ending(self, key: str, what: str, until: datetime, now: datetime, helps: str) -> Trouble | None:
        left = until - now
        return Trouble(key, f"{what} {_ends(left.days, until.date())}", helps) if left <= self.warn else None


_RECORDS_AWAY: Final = Trouble(
    "records_away",
    "The database cannot be read",
    "Start it or mend the way to it. What people say meanwhile is refused, and they are told so.",
)
_SERVICE_AWAY: Final = Trouble(
    "service_away",
    "The HTTP service does not answer, or cannot read its records",
    "Start it ('homeward serve'), and see in its log why it ended. Nobody can report in a browser or by the API.",
)
_COMPARE_HELPS: Final = "See whether workers run; 'homeward reconcile' compares now."
_KEY_HELPS: Final = "Get a new one from whoever gave it, set it, and tell HOMEWARD_EXPIRIES when that one ends."
_CALENDAR_HELPS: Final = "Bring a longer calendar: see 'A new bank holiday' in the runbook."
_OWN_CERTIFICATE_HELPS: Final = (
    "Put a new one at HOMEWARD_ENGINE_TLS_CERTIFICATE, and start every part anew: it is read when a part begins."
)
_NO_CERTIFICATE_HELPS: Final = "See whether anything answers there by TLS."
_CERTIFICATE_HELPS: Final = "Renew it, or see why it was not renewed by itself."


def _ends(days: int, day: date) -> str:
    return f"ended on {day}" if days < 0 else f"ends on {day}, {days} days from now"


def _standing_still(standstill: Standstill) -> list[Trouble]:
    """One trouble for each kind of what stands still, the worst first."""
    many = Counter(one.kind for one in standstill.found)
    troubles: list[Trouble] = []
    for kind, count in many.items():
        about = KINDS[kind]
        there = count + standstill.more.get(kind, 0)
        title = about.title if there == 1 else f"{about.title} ({there})"
        troubles.append(Trouble(kind.value, title, f"{about.helps} See: homeward stuck."))
    return troubles


def tls_address(url: str) -> tuple[str, int] | None:
    """The host and port of an https address; None for any other."""
    parts = urlsplit(url)
    return (parts.hostname, parts.port or 443) if parts.scheme == "https" and parts.hostname else None
