"""Ties a server's life to the process that started it: `kill -9` of the launcher leaves nothing behind.

As a program (`python -I -S tether.py SIGNAL PARENT ACCOUNT MODE COMMAND...`; standard library only, so that it costs
some 15 ms) it becomes the server: on Linux the kernel is asked to send SIGNAL when the parent dies
(PR_SET_PDEATHSIG); elsewhere it stays as a guard that sees its standard input close.
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
    """As whom a server runs. PostgreSQL refuses root, so root's servers take another name."""

    SELF = "self"
    MAPPED = "mapped"
    """Root outside, nobody inside a user namespace of its own: files stay root's, nothing is chowned."""
    NOBODY = "nobody"


class Tie(StrEnum):
    """How the server learns that its parent is gone."""

    KERNEL = "kernel"
    GUARD = "guard"


NATIVE_TIE = Tie.KERNEL if sys.platform == "linux" else Tie.GUARD


def spawn(
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals,
    environment: Mapping[str, str] | None = None,
    output: int | IO[bytes] | None = None,
    account: Account = Account.SELF,
    tie: Tie = NATIVE_TIE,
    pass_fds: Sequence[int] = (),
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C reaches the launcher alone; both outputs to `output`.

    Call it from the main thread: the kernel's tie ends with the thread that made it.
    """
    program = [sys.executable, "-I", "-S", __file__, stop_signal.name, str(os.getpid()), account, tie]
    return subprocess.Popen(
        [*program, *map(str, command)],
        stdin=subprocess.PIPE if tie is Tie.GUARD else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=None if environment is None else dict(environment),
        start_new_session=True,
        pass_fds=tuple(pass_fds),
        cwd=directory,
    )


def server_account() -> Account:
    """As whom PostgreSQL can run here; raises OSError where root can become nobody else."""
    if os.geteuid() != 0:
        return Account.SELF
    for account in (Account.MAPPED, Account.NOBODY):
        probe = spawn(
            ["/bin/sh", "-c", "exit 0"], stop_signal=signal.SIGKILL, account=account, output=subprocess.DEVNULL
        )
        if probe.wait() == 0:
            return account
    raise OSError("root can become nobody else here")


def _become(account: Account) -> None:
    if account is Account.MAPPED:
        user, group = os.geteuid(), os.getegid()
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "user namespaces are not to be had")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{_NOBODY} {group} 1")
    elif account is Account.NOBODY:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _stop_with_parent(stop_signal: signal.Signals, parent: int) -> None:
    """Must follow every change of credentials: the kernel forgets the wish on each."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(stop_signal))
    if os.getppid() != parent:
        sys.exit(1)


def _guard(command: Sequence[str], stop_signal: signal.Signals) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)
    for forwarded in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(forwarded, lambda number, _: child.send_signal(number))

    def watch() -> None:
        while os.read(0, 64):
            continue
        child.send_signal(stop_signal)

    threading.Thread(target=watch, daemon=True).start()
    return child.wait()


def main(arguments: Sequence[str]) -> int:
    """Become, or guard, the server."""
    stop_signal, parent = signal.Signals[arguments[0]], int(arguments[1])
    account, tie, command = Account(arguments[2]), Tie(arguments[3]), list(arguments[4:])
    _become(account)
    if tie is Tie.GUARD:
        return _guard(command, stop_signal)
    _stop_with_parent(stop_signal, parent)
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
