"""Starts servers that end when the launcher ends: after a `kill -9` of the launcher none of them stays behind.

As a program (`python -I -S process_guard.py SIGNAL PARENT ACCOUNT GUARD COMMAND...`; standard library only, so that it
costs some 15 ms) it becomes the server: on Linux the kernel is asked to send SIGNAL when the parent dies
(PR_SET_PDEATHSIG); elsewhere it stays as the server's parent, which sends SIGNAL when its own standard input closes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_NOBODY = 65534


class Account(StrEnum):
    """The user a server runs as. PostgreSQL refuses to run as root, so root's servers run as another user."""

    SELF = "self"
    MAPPED = "mapped"
    """The user nobody of a user namespace, which is root outside: files stay root's, nothing is chowned."""
    NOBODY = "nobody"


class Guard(StrEnum):
    """What ends a server when its parent has died."""

    KERNEL = "kernel"
    """PR_SET_PDEATHSIG: the server replaces this program."""
    PROCESS = "process"
    """A process between parent and server, which reads a pipe from the parent."""


DEFAULT_GUARD = Guard.KERNEL if sys.platform == "linux" else Guard.PROCESS


def spawn(
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals,
    environment: Mapping[str, str] | None = None,
    output: int | IO[bytes] | None = None,
    account: Account = Account.SELF,
    guard: Guard = DEFAULT_GUARD,
    pass_fds: Sequence[int] = (),
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C reaches the launcher alone; all its output to `output`.

    Call it from the main thread: the kernel sends the signal when the thread that started the process ends.
    """
    program = [sys.executable, "-I", "-S", __file__, stop_signal.name, str(os.getpid()), account, guard]
    return subprocess.Popen(
        [*program, *map(str, command)],
        stdin=subprocess.PIPE if guard is Guard.PROCESS else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=None if environment is None else dict(environment),
        start_new_session=True,
        pass_fds=tuple(pass_fds),
        cwd=directory,
    )


def server_account() -> Account:
    """Returns the user that PostgreSQL can run as here. Raises OSError where root cannot become another user."""
    if os.geteuid() != 0:
        return Account.SELF
    for account in (Account.MAPPED, Account.NOBODY):
        probe = spawn(
            ["/bin/sh", "-c", "exit 0"], stop_signal=signal.SIGKILL, account=account, output=subprocess.DEVNULL
        )
        if probe.wait() == 0:
            return account
    raise OSError("root cannot become another user here")


def _become(account: Account) -> None:
    if account is Account.MAPPED:
        user, group = os.geteuid(), os.getegid()
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "user namespaces are not available")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{_NOBODY} {group} 1")
    elif account is Account.NOBODY:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _stop_with_parent(stop_signal: signal.Signals, parent: int) -> None:
    """Must follow every change of credentials, each of which clears the setting."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(stop_signal))
    if os.getppid() != parent:
        sys.exit(1)


def _run_guarded(command: Sequence[str], stop_signal: signal.Signals) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)
    for forwarded in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(forwarded, lambda number, _: child.send_signal(number))

    def stop_when_closed() -> None:
        while os.read(0, 64):
            continue
        child.send_signal(stop_signal)

    threading.Thread(target=stop_when_closed, daemon=True).start()
    return child.wait()


def main(arguments: Sequence[str]) -> int:
    """Become the server, or run it as a child and return its exit code."""
    stop_signal, parent = signal.Signals[arguments[0]], int(arguments[1])
    account, guard, command = Account(arguments[2]), Guard(arguments[3]), list(arguments[4:])
    _become(account)
    if guard is Guard.PROCESS:
        return _run_guarded(command, stop_signal)
    _stop_with_parent(stop_signal, parent)
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
