"""A real Postfix that hands mail to our listener: the Debian package, a configuration and a queue of the test's own."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path

from service.standalone.process_guard import spawn
from tests.eventually import eventually
from tests.inbound import BOUNCES, REPLIES
from tests.service_process import free_port

DOCS = Path(__file__).parents[1] / "docs" / "inbound.md"
_FOLDERS = (Path("/usr/lib/postfix/sbin"), Path("/usr/libexec/postfix"))
_DAEMONS = next((folder for folder in _FOLDERS if (folder / "master").exists()), None)
_POSTQUEUE = shutil.which("postqueue", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def _lacking() -> str | None:
    if not _DAEMONS or not _POSTQUEUE:
        return "Postfix is not installed"
    return None if os.geteuid() == 0 else "Postfix's master runs as root only"


LACKING = _lacking()
"""Why there is no Postfix here; None: there is."""


class Postfix:
    """A server at `port` that has no other mail than ours and knows no other host."""

    def __init__(self, directory: Path, *, lmtp: int) -> None:
        self.port = free_port()
        self._directory = directory
        for name in ("conf", "queue", "data"):
            (directory / name).mkdir()
        _make_queue(directory / "queue")
        os.chown(directory / "data", pwd.getpwnam("postfix").pw_uid, -1)
        (directory / "conf" / "main.cf").write_text(self._main() + documented(lmtp))
        (directory / "conf" / "master.cf").write_text(self._master())
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it takes mail."""
        with (self._directory / "output").open("ab") as output:
            self._process = spawn(
                [f"{_DAEMONS}/master", "-d", "-c", self._directory / "conf"], stop_signal=signal.SIGTERM, output=output
            )
        await eventually(lambda: "daemon started" in self.log(), "Postfix")

    def stop(self) -> None:
        """End it with its processes."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def log(self) -> str:
        """What it wrote."""
        log = self._directory / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _main(self) -> str:
        here = self._directory
        return (
            f"compatibility_level = 3.6\nqueue_directory = {here}/queue\ndata_directory = {here}/data\n"
            f"command_directory = /usr/sbin\ndaemon_directory = {_DAEMONS}\nmail_owner = postfix\n"
            f"setgid_group = postdrop\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n"
            f"myhostname = mx.fabrikam.example\nmydestination =\nmaillog_file = {here}/log\n"
            "maillog_file_prefixes = /tmp\nsmtp_dns_support_level = disabled\nsmtputf8_enable = no\n"
            # Whole seconds; three of them are what people should keep
            "address_verify_poll_delay = 1s\n"
        )

    def _master(self) -> str:
        services = {
            "qmgr": "300 1 qmgr",
            "cleanup": "- 0 cleanup",
            "rewrite": "- - trivial-rewrite",
            "bounce": "- 0 bounce",
            "defer": "- 0 bounce",
            "trace": "- 0 bounce",
            "verify": "- 1 verify",
            "anvil": "- 1 anvil",
            "lmtp": "- - lmtp",
            "error": "- - error",
            "retry": "- - error",
            "proxymap": "- - proxymap",
        }
        private = {name: "n" if name in ("qmgr", "cleanup") else "-" for name in services}
        lines = [f"{name} unix {private[name]} - n {rest}\n" for name, rest in services.items()]
        inet = f"127.0.0.1:{self.port} inet n - n - - smtpd\n"
        return "".join([inet, *lines, "postlog unix-dgram n - n - 1 postlogd\n"])


def documented(lmtp: int) -> str:
    """Returns the lines for main.cf that docs/inbound.md shows, with the domains and the port of the test."""
    found = re.search(r"# /etc/postfix/main\.cf\n(.*?)\n\n(?=\S)", DOCS.read_text(), re.DOTALL)
    assert found, "docs/inbound.md shows no lines for main.cf"
    lines = re.sub(r"^    ", "", found[1], flags=re.MULTILINE)
    assert ":2424" in lines
    return (
        lines.replace("bounce.fabrikam.com", BOUNCES)
        .replace("reply.fabrikam.com", REPLIES)
        .replace(":2424", f":{lmtp}")
        + "\n"
    )


def _make_queue(queue: Path) -> None:
    """As `postfix check` makes it, which takes a second."""
    user, group = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
    private = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved")
    for name, mode in (*((name, 0o700) for name in (*private, "trace")), ("maildrop", 0o730), ("public", 0o710)):
        (queue / name).mkdir()
        (queue / name).chmod(mode)
        os.chown(queue / name, user, group if mode != 0o700 else -1)
    (queue / "pid").mkdir(mode=0o755)
