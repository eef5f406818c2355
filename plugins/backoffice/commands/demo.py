"""``backoffice demo``: the main job on real input, each stage shown as it happens. What `make run` runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.errors import BackofficeError, CertificateInvalid, CheckFailed, ErasureIncomplete

if TYPE_CHECKING:
    from uuid import UUID

    from rich.console import Console

    from backoffice.deployment import Deployment
    from backoffice.kit import Kit

__all__ = ["demo"]

_PROJECT = "acme_contacts"


def demo() -> None:
    """Start the stack and run one real drop through it, from the client's encryption to the certificate."""
    from backoffice.commands import terminal
    from backoffice.deployment import deployment
    from backoffice.onboarding import kit_folder, onboard, sample_client
    from backoffice.places import root_folder, var_folder
    from backoffice.sample import febrl3, score
    from backoffice.stack.stack import Stack

    console, stack = terminal(), Stack(root_folder(), var_folder())
    show = _Steps(console)
    with show.step("Start the stack") as step:
        stack.up(step.now)
        step.say(f"{sum(1 for part in stack.status() if part.pid)} parts, none of them reachable from outside")
    with deployment() as opened:
        from backoffice.kit import Kit

        with show.step("Client: make a key, get the kit") as step:
            data = febrl3(var_folder() / "samples")
            sample_client(opened, "acme", [onboard(opened, _PROJECT)])
            kit = Kit(kit_folder(opened, _PROJECT))
            step.say("OpenPGP key, write-only credentials")
        with show.step("Client: encrypt, sign, drop") as step:
            dropped = kit.drop(data)
            step.say(f"5,000 persons (febrl dataset3), {dropped.size:,} bytes, version {dropped.version_id[:12]}")
        job = _follow(opened, show, dropped.bucket, dropped.version_id)
        with show.step("Client: fetch, verify, decrypt") as step:
            receipt = _receipt(kit, dropped.version_id)
            result = var_folder() / "clients" / "acme" / f"{job}.csv"
            size = kit.fetch(receipt["key"], result)
            quality = score(data, result)
            step.say(f"{size:,} bytes; duplicates: precision {quality.precision:.4f}, recall {quality.recall:.4f}")
        with show.step("Client: accept") as step:
            kit.accept(job)
            step.say("a signed note: the result is deleted now")
        with show.step("Erase everything, look again") as step:
            _until(opened, job, "erased", "certified")
            step.say(
                f"{_summary(opened, job)['erasure']['objects']} versions deleted, key destroyed, space freed; none left"
            )
        with show.step("Certificate") as step:
            _until(opened, job, "certified")
            certificate = var_folder() / "clients" / "acme" / f"{job}.certificate.json"
            certificate.write_bytes(kit.read(f"out/certificates/{job}.json"))
            _verify(kit, certificate)
            step.say("signed by the company; one changed byte is refused")
        found = _summary(opened, job)
    _close(console, stack, found, result, certificate)


def _follow(opened: Deployment, show: _Steps, bucket: str, version: str) -> UUID:
    """Show the company's stages as the ledger records them; gives the job."""
    from backoffice.commands.job import wait_for_claim

    with show.step("Intake: claim the drop, DPA gate") as step:
        job = wait_for_claim(opened, bucket, version, timeout=60)
        step.say(f"job {job}")
    stages = {
        "Prepare: decrypt, transform": ("prepared", "checked", "delivered"),
        "Check: Great Expectations": ("checked", "delivered"),
        "Deliver: encrypt, sign": ("delivered",),
    }
    for title, states in stages.items():
        with show.step(title) as step:
            _until(opened, job, *states)
            step.say(_stage_words(title, _summary(opened, job)))
    with show.step("Erase originals, intermediates, key") as step:
        deadline = time.monotonic() + 60
        while opened.ledger.job(job).inputs_erased_at is None:
            if time.monotonic() > deadline:
                raise ErasureIncomplete(f"After a minute the inputs of job {job} are not erased.")
            time.sleep(0.05)
        step.say("deleted, listed again: none")
    return job


def _stage_words(title: str, found: dict[str, Any]) -> str:
    if title.startswith("Prepare"):
        return f"{found['rows']['in']:,} rows in, {found['rows']['out']:,} out"
    if title.startswith("Check"):
        return f"{found['checks']['passed']} passed, {found['checks']['failed']} failed"
    return f"{found['seconds']['drop_to_delivered']:.1f} s from drop to delivered"


def _until(opened: Deployment, job: UUID, *states: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        found = opened.ledger.job(job)
        if found.state in (*states, "certified"):
            return
        if found.state in ("held", "rejected", "waiting"):
            raise CheckFailed(f"Job {job} is {found.state}: {found.message}")
        if time.monotonic() > deadline:
            raise BackofficeError(f"After two minutes job {job} is {found.state}.", hint="See its run in Airflow.")
        time.sleep(0.05)


def _receipt(kit: Kit, version: str) -> dict[str, Any]:
    """The receipt of the delivery; intake writes it within a second."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for receipt in kit.receipts(version):
            if receipt["status"] == "delivered":
                return receipt
        time.sleep(0.2)
    raise BackofficeError("No receipt of the delivery came within 30 s.", hint="Is the DAG `intake` running?")


def _verify(kit: Kit, certificate: Path) -> None:
    """The certificate holds, and stops holding with one byte changed.

    :raises CertificateInvalid: either of the two is not so.
    """
    from backoffice.vault.signing import load_public, verify

    company = load_public((kit.folder / "company.pem").read_bytes())
    data = certificate.read_bytes()
    verify(data, [company])
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    try:
        verify(bytes(changed), [company])
    except CertificateInvalid:
        return
    raise CertificateInvalid("A changed certificate was accepted.")


def _summary(opened: Deployment, job: UUID) -> dict[str, Any]:
    from backoffice.ledger.summary import summary

    return summary(opened.ledger, opened.ledger.job(job))


def _close(console: Console, stack: Any, found: dict[str, Any], result: Path, certificate: Path) -> None:
    rows, checks = found["rows"], found["checks"]
    console.print()
    console.print(f"Result       {rows['in']:,} rows in, {rows['out']:,} out: {result}")
    console.print(f"Checks       {checks['passed']} of {checks['passed'] + checks['failed']} passed")
    console.print(f"Seconds      {found['seconds']['drop_to_delivered']:.1f} from drop to delivered")
    console.print(f"Certificate  {certificate}")
    console.print(f"Airflow      {stack.airflow_url}   user admin, password in {stack.admin_password_file}")


@dataclass
class _Step:
    """One line on screen: what is going on, then what came of it."""

    title: str
    status: Any
    words: str = ""
    started: float = field(default_factory=time.monotonic)

    def now(self, what: str) -> None:
        """What is going on within the step."""
        self.status.update(f"{self.title}: {what}")

    def say(self, words: str) -> None:
        """What came of it."""
        self.words = words


class _Steps:
    """Steps shown one under the other, each with its seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[_Step]:
        """Show a spinner while the step runs, then its line."""
        with self._console.status(title) as status:
            step = _Step(title, status)
            yield step
        self._console.print(f"[green]ok[/green] {title:<40} {time.monotonic() - step.started:6.1f} s  {step.words}")
