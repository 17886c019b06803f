"""Invented letters, and adapters that send them to the stand-ins."""

from typing import Any, Literal

from activities.channels.base import Letter
from activities.channels.notify import NotifyAdapter
from activities.channels.smtp import SmtpAdapter
from activities.channels.webhook import WebhookAdapter
from tests.standins.faults import Fault
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn
from tests.standins.webhooks import SECRET

SHORT = 0.5
PATIENT = 10.0
EMAIL = "duty.worker@council.example"
PHONE = "07700 900123"
SENDER = "homeward@council.example"
BODY = "Überfällig: “Interview”\n.\nFrom the second line on.\n" + "long " * 60
HOOK_PATH = "/hooks/invented-token"


def letter(to: str, reference: str = "notice-1:deputy/2") -> Letter:
    return Letter(reference, to, "A task is overdue; please look", BODY, {"notice": "n-1", "title": "Überfällig"})


def time_for(fault: Fault | None) -> float:
    """Seconds to allow: few only where the answer does not come in time, so that a busy machine changes no answer."""
    never = fault and (fault.ending in ("silence", "trickle") or fault.wait_seconds > SHORT)
    return SHORT if never else PATIENT


def by_notify(at: NotifyStandIn, kind: Literal["email", "sms"] = "email", **changes: Any) -> NotifyAdapter:
    given: dict[str, Any] = {"api_key": at.api_key, "base_url": at.url, "template_id": at.template_id, "kind": kind}
    given |= {"timeout": PATIENT} | changes
    return NotifyAdapter(**given)


def by_mail(at: SmtpStandIn, **changes: Any) -> SmtpAdapter:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": at.port, "sender": SENDER, "tls": "none", "timeout": PATIENT}
    return SmtpAdapter(**(given | changes))


def by_hook(secret: str = SECRET, timeout: float = PATIENT) -> WebhookAdapter:
    return WebhookAdapter(secret, timeout)
