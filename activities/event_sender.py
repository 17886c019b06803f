"""Sending one event to one receiver, once: signed as Standard Webhooks asks, to no address of an inner network.

Whoever may name a URL could have Homeward call what only Homeward can reach.
So a name is looked up first, every address it has must be one of the open
network, and the call goes to that very address. Nothing is redirected, and no
proxy of the environment is asked.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx
from standardwebhooks import Webhook

from activities.channels.base import Answer, Busy, Refused, Unknown
from activities.channels.web import CONNECT_SHARE, READ_SHARE, checked_url
from activities.channels.webhook import answer_of
from activities.cloud_events import MEDIA_TYPE

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up the addresses of a host. Raises OSError."""

_MAPS_IPV4: Final = IPv6Network("64:ff9b::/96")
_IS_IPV4: Final = IPv6Network("::/96")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class EventSender:
    """Sends events; `private` lets it call loopback and inner networks too, `timeout` is in seconds."""

    def __init__(self, *, private: bool, timeout: float, resolve: Resolve | None = None) -> None:
        self._private = private
        self._timeout = timeout
        self._resolve = resolve or _looked_up
        self._limits = httpx.Timeout(timeout * READ_SHARE, connect=timeout * CONNECT_SHARE)
        # Reading the certificates takes longer than posting: once is enough.
        self._trusted = httpx.create_ssl_context()

    async def send(self, url: str, secrets: Sequence[str], event_id: str, body: str) -> Answer:
        """Post an event, once, signed with each of the secrets. Raises nothing that the network can cause."""
        try:
            async with asyncio.timeout(self._timeout):
                target = httpx.URL(checked_url(url))
                return await self._post(target, await self._address(target), _signed(secrets, event_id, body), body)
        except ValueError:
            return Refused("address")
        except (httpx.ConnectError, httpx.ConnectTimeout, socket.gaierror):
            return Busy("cannot connect")
        except (httpx.HTTPError, TimeoutError):
            return Unknown("no answer")

    async def _address(self, target: httpx.URL) -> str:
        found = await self._resolve(target.host, target.port or _DEFAULT_PORTS[target.scheme])
        # One address that is allowed does not make up for another that is not: the next look-up may give that one.
        if not found or not all(may_be_called(one, private=self._private) for one in found):
            raise ValueError("no address that may be called")
        return found[0]

    async def _post(self, target: httpx.URL, address: str, headers: dict[str, str], body: str) -> Answer:
        named = {**headers, "host": target.netloc.decode("ascii")}
        async with (
            httpx.AsyncClient(
                verify=self._trusted, timeout=self._limits, follow_redirects=False, trust_env=False
            ) as client,
            # The status is the whole answer: what a receiver writes under it is not read.
            client.stream(
                "POST",
                target.copy_with(host=address),
                content=body.encode(),
                headers=named,
                extensions={"sni_hostname": target.host},
            ) as response,
        ):
            return answer_of(response)


_NEVER: Final = tuple(ip_network(net) for net in ("64:ff9b:1::/48", "fec0::/10", "168.63.129.16/32", "192.0.0.192/32"))
"""What stands for inner addresses by ways that are not seen in it, and where clouds keep their own services."""


def may_be_called(address: str, *, private: bool) -> bool:
    """Whether an IP address may be called. What is link-local, where clouds keep their secrets, never may."""
    ip = _meant(ip_address(address))
    if ip.is_multicast or ip.is_unspecified or ip.is_link_local or any(ip in net for net in _NEVER):
        return False
    return private or ip.is_global


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _MAPS_IPV4 or (ip in _IS_IPV4 and not ip.is_loopback and not ip.is_unspecified):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo[1] if ip.teredo else None
    return ip.ipv4_mapped or ip.sixtofour or teredo or ip


async def _looked_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def _signed(secrets: Sequence[str], event_id: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": f"{MEDIA_TYPE}; charset=utf-8",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, now, body) for secret in secrets),
    }
