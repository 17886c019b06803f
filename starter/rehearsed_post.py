"""The post in a rehearsal: what would have gone out, to whom, when and in what words; gathered by the real rules."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel

from activities import posting
from activities.channels.base import Answer, Found, Letter, Taken
from activities.posting import Post, WayOut
from activities.store import Store
from activities.store.directory import everyone
from activities.store.post import next_ready
from workflows.instants import Instant, london_day, london_instant
from workflows.messages import PostRules
from workflows.post_contracts import DigestAsked, GatherAsked, MessageToSend, SendAsked
from workflows.vocabulary import Channel


class RehearsedMessage(BaseModel):
    """A message as it would have gone out. `at` is UTC; `to` is an invented address."""

    at: Instant
    who: str
    way: str
    to: str
    subject: str
    body: str


class _Paper:
    """A way out that ends on paper."""

    can_look_up = False

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> Answer:
        """Keep the letter."""
        self.letters.append(letter)
        return Taken(delivered=True)

    async def look_up(self, reference: str) -> Found | None:
        """Nothing is in doubt on paper."""
        del reference


class RehearsedPost:
    """The post over ways that end on paper, by an authority's rules. `links` is where messages would be read."""

    def __init__(self, rules: PostRules, links: str) -> None:
        self._paper = {Channel.SMS.value: _Paper(), Channel.EMAIL.value: _Paper()}
        ways = {name: WayOut(Channel(name), paper) for name, paper in self._paper.items()}
        self.post = Post(ways=ways, rules=rules, links=links, nudge=_nobody_is_nudged)

    async def messages(self, store: Store, authority: str, since: datetime, until: datetime) -> list[RehearsedMessage]:
        """Every message that would have gone out between two instants (UTC), in order of time."""
        async with store.session() as session:
            people = {one.id: one.name for one in await everyone(session, authority)}
        gathered: list[tuple[datetime, MessageToSend]] = []
        for person in people:
            gathered += await self._from_postbox(store, authority, person, until)
        for at in self._digests(since, until):
            asked = DigestAsked(authority=authority, run=str(uuid4()), now=at)
            gathered += [(at, one) for one in await posting.gather_digests(store, self.post, asked)]
        sent = [await self._write(store, message, at, people) for at, message in gathered]
        return sorted((one for one in sent if one), key=lambda one: (one.at, one.who))

    async def _from_postbox(
        self, store: Store, authority: str, person: str, until: datetime
    ) -> list[tuple[datetime, MessageToSend]]:
        found: list[tuple[datetime, MessageToSend]] = []
        while True:
            async with store.session() as session:
                ready = await next_ready(session, person)
            at = ready + self.post.rules.gather if ready else None
            if at is None or at > until:
                return found
            asked = GatherAsked(message=str(uuid4()), authority=authority, person=person, now=at)
            gathered = await posting.gather(store, self.post, asked)
            if gathered.message:
                found.append((at, gathered.message))

    def _digests(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The times of the digests between two instants (UTC)."""
        day = london_day(since)
        while day <= london_day(until):
            for one in sorted(self.post.rules.digest_at):
                if since <= (at := london_instant(day, one)) <= until:
                    yield at
            day += timedelta(days=1)

    async def _write(
        self, store: Store, message: MessageToSend, at: datetime, people: Mapping[str, str]
    ) -> RehearsedMessage | None:
        """Send a message by the first of its ways; None when everybody had answered by then."""
        way = message.ways[0]
        await posting.send(store, self.post, SendAsked(message=message.message, way=way), at)
        letters = self._paper[way].letters
        letter = letters.pop() if letters else None
        if letter is None:
            return None
        about = {"to": letter.to, "subject": letter.subject, "body": letter.body}
        return RehearsedMessage(at=at, who=people[message.person], way=way, **about)


async def _nobody_is_nudged(_authority: str, _person: str) -> None:
    """What waits is gathered when the rehearsal is over."""
