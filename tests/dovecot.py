"""A mailbox in a real Dovecot: the Debian package, a configuration and a directory of the test's own."""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

from gateway.settings import ImapMailbox, parse_imap_url
from service.standalone.process_guard import Account, server_account, spawn
from tests.eventually import eventually
from tests.service_process import free_port
from tests.smtp_server import certificate_authority

_PROGRAM = shutil.which("dovecot", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
_VERSION = (
    subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout if _PROGRAM else ""
)


def _lacking() -> str | None:
    if not _PROGRAM:
        return "Dovecot is not installed"
    if not _VERSION.startswith("2.3."):
        return f"the test's configuration is for Dovecot 2.3, this is {_VERSION.split()[0]}"
    modules = ("/usr/lib/dovecot/imap", "/usr/libexec/dovecot/imap")
    return None if any(map(os.path.exists, modules)) else "Dovecot's IMAP server is not installed"


LACKING = _lacking()
"""Why there is no Dovecot here; None: there is."""

USER, PASSWORD = "office", 'a "secret" \\ word'


class Dovecot:
    """A server with one user and an INBOX; `port` takes TLS. It runs without privileges."""

    def __init__(self, directory: Path, *, idle: bool = True) -> None:
        self.port = free_port()
        self.maildir = directory / "mail"
        self._directory = directory
        self._numbers = itertools.count(1)
        for name in ("new", "cur", "tmp"):
            (self.maildir / name).mkdir(parents=True)
        certificate = certificate_authority().issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(directory / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(directory / "chain.pem", append=True)
        self._account = server_account()
        (directory / "dovecot.conf").write_text(self._configuration(idle=idle))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def mailbox(self) -> ImapMailbox:
        """What IMAP_URL names."""
        return parse_imap_url(self.url)

    @property
    def url(self) -> str:
        """IMAP_URL."""
        return f"imaps://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/INBOX"

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self._directory / "output").open("ab") as output:
            self._process = spawn(
                [_PROGRAM or "", "-F", "-c", self._directory / "dovecot.conf"],
                stop_signal=signal.SIGTERM,
                output=output,
                account=self._account,
            )
        await eventually(partial(_listens, self.port), "Dovecot")

    def stop(self) -> None:
        """Kill it with all its sessions: an orderly end takes a second."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def deliver(self, mail: bytes) -> None:
        """Put a mail into the INBOX, as a delivery agent does."""
        name = f"{next(self._numbers)}.test.host"
        (self.maildir / "tmp" / name).write_bytes(mail)
        (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)

    def make_folder_anew(self) -> None:
        """Give the INBOX another UIDVALIDITY, as a restored or moved mailbox has. Only while it is stopped."""
        numbers = self.maildir / "dovecot-uidlist"
        head, _, rest = numbers.read_text().partition("\n")
        version, validity, *others = head.split(" ")
        numbers.write_text(" ".join([version, f"V{int(validity[1:]) + 1}", *others]) + "\n" + rest)
        for index in self.maildir.glob("dovecot.index*"):
            index.unlink()

    def flags(self) -> set[str]:
        """What the mails are marked with (Maildir's letters: S is \\Seen, T \\Deleted)."""
        files = itertools.chain((self.maildir / "new").iterdir(), (self.maildir / "cur").iterdir())
        return {letter for file in files for letter in file.name.partition(":2,")[2]}

    def log(self) -> str:
        """What it wrote."""
        return (self._directory / "log").read_text(errors="replace")

    def _configuration(self, *, idle: bool) -> str:
        user = pwd.getpwuid(65534 if self._account is not Account.SELF else os.getuid())
        capability = "" if idle else "imap_capability = IMAP4rev1 AUTH=PLAIN\n"
        here = self._directory
        return (
            f"base_dir = {here}/run\nstate_dir = {here}/run\nlog_path = {here}/log\n"
            "protocols = imap\nlisten = 127.0.0.1\nauth_mechanisms = plain\nauth_failure_delay = 0\n"
            f"ssl = required\nssl_cert = <{here}/chain.pem\nssl_key = <{here}/key.pem\n"
            f"default_internal_user = {user.pw_name}\ndefault_login_user = {user.pw_name}\n"
            f"default_internal_group = {_group(user.pw_gid)}\nfirst_valid_uid = 1\n"
            f"mail_location = maildir:{self.maildir}\n{capability}"
            f"passdb {{\n  driver = passwd-file\n  args = {self._passwords()}\n}}\n"
            f"userdb {{\n  driver = static\n  args = uid={user.pw_uid} gid={user.pw_gid} home={here}\n}}\n"
            f"service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = 0\n  }}\n"
            f"  inet_listener imaps {{\n    port = {self.port}\n    ssl = yes\n  }}\n}}\n"
            "service anvil {\n  chroot =\n}\n"
        )

    def _passwords(self) -> Path:
        file = self._directory / "passwords"
        file.write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        return file


def _group(number: int) -> str:
    return grp.getgrgid(number).gr_name


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
