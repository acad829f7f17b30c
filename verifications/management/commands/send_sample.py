import argparse
import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

import urllib3
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from accounts.models import Partner
from verifications.callbacks import provider
from verifications.demo import samples


class Command(BaseCommand):
    help = "Plays the provider: signs a body and posts it to the server on this machine."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help="a body, or the start of a sample's name, such as 07"
        )
        parser.add_argument("--partner", default="northbank", help="key of the partner")
        parser.add_argument("--event", help="the header Idenfy-Event-Type; unknown ones are sent")
        parser.add_argument("--to", default=_started(), help="this machine only")

    def handle(self, *, file: str, partner: str, event: str, to: str, **options: Any) -> None:
        address = _own(to) + reverse("callback", args=[partner])
        receiver = Partner.objects.filter(key=partner).first()
        if receiver is None:
            raise CommandError(f"There is no partner {partner!r}.")
        try:
            path = samples.find(file)
            raw = path.read_bytes()
        except OSError as problem:
            raise CommandError(f"{file} cannot be read: {problem.strerror or problem}") from problem
        answer = _post(address, receiver.callback_key, event or samples.event_of(path), raw)
        told = f"{path.name} to {address}: {answer.status} {answer.data.decode(errors='replace')}"
        if answer.status != 200:
            raise CommandError(told)
        self.stdout.write(told)


def _started() -> str:
    """Where `make run` serves."""
    return f"http://localhost:{os.environ.get('PORT') or 8000}"


def _own(address: str) -> str:
    """The address without its last slash. A signed body never leaves this machine."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as problem:
        raise CommandError(f"--to: {problem}.") from problem
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise CommandError("--to: an address such as http://localhost:8000.")
    if not _is_loopback(host):
        raise CommandError(f"--to: {host} is not this machine.")
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _post(address: str, key: str, event: str, raw: bytes) -> urllib3.BaseHTTPResponse:
    headers = {
        "Content-Type": "application/json",
        "Idenfy-Signature": provider.signature(key, raw),
        "Idenfy-Event-Type": event,
    }
    try:
        return urllib3.request(
            "POST",
            address,
            body=raw,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=2, read=30),
        )
    except (urllib3.exceptions.HTTPError, ValueError) as problem:
        raise CommandError(f"{address}: no answer ({problem}). Is the server running?") from problem
