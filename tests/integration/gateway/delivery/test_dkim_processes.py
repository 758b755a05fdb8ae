"""Signatures made in processes of their own: the right ones, in order, and never a reason not to send."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.delivery.dkim import Asked, Signer
from gateway.delivery.dkim_processes import Signatures
from tests.integration.gateway.delivery.test_signed_mail import signer
from tests.unit.gateway.delivery.test_dkim import RSA

__all__ = ["signer"]

MAIL = b"From: a@fabrikam.example\r\nSubject: %d\r\n\r\nHello\r\n"


def asked_of(signer: Signer, count: int) -> list[Asked]:
    return [asked for number in range(count) for asked in signer.ask(MAIL % number, "fabrikam.example")]


def signing_processes() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if "gateway.delivery.dkim_processes" in child.cmdline()]


async def test_each_gets_its_own_signature_of_the_key_it_asked(signer: Signer) -> None:
    signatures = Signatures(signer)
    asked = asked_of(signer, 100)

    groups = await asyncio.gather(*(signatures.make(asked[at : at + 20]) for at in range(0, len(asked), 20)))
    made = [signature for group in groups for signature in group]

    # RSA (PKCS #1 v1.5) and ed25519 give the same signature of the same bytes each time.
    assert made == [one.by(one.signed) for one in asked]
    RSA.public_key().verify(made[0], asked[0].signed, padding.PKCS1v15(), SHA256())
    await signatures.close()
    assert not signing_processes()


async def test_a_process_that_dies_costs_no_signature_and_another_takes_its_place(
    signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    signatures = Signatures(signer)
    first, second, third = asked_of(signer, 3)[::2]
    await signatures.make([first])
    [process] = signing_processes()
    process.send_signal(signal.SIGKILL)
    process.wait()

    made = await signatures.make([second])

    assert made == [second.by(second.signed)]
    assert "a signing process failed" in caplog.text
    assert await signatures.make([third]) == [third.by(third.signed)]
    assert [other.pid != process.pid for other in signing_processes()] == [True]
    await signatures.close()


async def test_a_process_leaves_the_end_to_its_worker(signer: Signer) -> None:
    signatures = Signatures(signer)
    first, second = asked_of(signer, 2)[::2]
    await signatures.make([first])
    [process] = signing_processes()

    # Ctrl-C and a service manager's stop reach every process of the gateway at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)

    assert await signatures.make([second]) == [second.by(second.signed)]
    assert [other.pid for other in signing_processes()] == [process.pid]
    await signatures.close()


async def test_a_process_that_hangs_holds_up_no_mail(signer: Signer) -> None:
    signatures = Signatures(signer, answer_seconds=6.0)  # its start, too, has to fit
    first, second = asked_of(signer, 2)[::2]
    await signatures.make([first])
    [process] = signing_processes()
    process.suspend()

    assert await signatures.make([second]) == [second.by(second.signed)]

    assert not signing_processes()
    await signatures.close()


async def test_a_process_signs_by_the_keys_that_the_worker_read(signer: Signer, tmp_path: Path) -> None:
    # Given key files that have been put away since the worker started
    for selector in ("r1", "e1"):
        (tmp_path / selector).unlink()
    signatures = Signatures(signer)

    made = await signatures.make(asked_of(signer, 1))

    assert made == [asked.by(asked.signed) for asked in asked_of(signer, 1)]
    assert len(signing_processes()) == 1
    await signatures.close()
