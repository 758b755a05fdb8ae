"""The project's virtual environment: created once, updated when its lock files change.

    python3 service/standalone/virtual_environment.py .venv requirements.lock [tests/requirements.lock]

Runs on any python3, before anything is installed: standard library only, and no syntax newer than Python 3.6, so that
an old Python can say that it is too old. Every failure is one sentence on stderr and exit code 1.
"""

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys

OLDEST = (3, 11)
PLATFORMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}


def find_obstacle() -> str:
    """Returns why this Python or machine cannot run the product, and what to do; empty when it can."""
    major, minor = sys.version_info[:2]
    if (major, minor) < OLDEST:
        return f"Python {major}.{minor} is too old: choose one from 3.11 on, as in `make run PYTHON=python3.12`."
    here = (platform.system(), platform.machine())
    if here not in PLATFORMS or (here[0] == "Linux" and platform.libc_ver()[0] != "glibc"):
        return (
            f"{here[0]} on {here[1]} is not supported, for want of a PostgreSQL wheel: "
            "use Linux with glibc (x86-64 or aarch64) or macOS (arm64)."
        )
    # Debian ships venv without ensurepip, and some systems neither.
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        return (
            "This Python lacks its venv module: install it "
            f"(on Debian and Ubuntu `apt install python{major}.{minor}-venv`) and run make again."
        )
    return ""


def fingerprint(locks: "list[str]") -> str:
    """Returns a hash of the lock files and of the Python that makes the environment."""
    digest = hashlib.sha256(sys.version.encode())
    for lock in locks:
        with open(lock, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def stamp(directory: str, locks: "list[str]") -> str:
    """Returns the path of the file that holds the fingerprint of what is installed."""
    return os.path.join(directory, "installed" + ("-for-tests" if len(locks) > 1 else ""))


def read(path: str) -> str:
    """Returns a stamp's text; empty when there is none."""
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def write(path: str, text: str) -> None:
    """Write a stamp."""
    with open(path, "w") as file:
        file.write(text)


def make(directory: str) -> str:
    """Create an empty environment of this Python unless there is one; returns the error, or an empty text."""
    maker = os.path.join(directory, "made-by")
    version = " ".join(sys.version.split())
    if os.path.isdir(directory) and not os.access(directory, os.W_OK):
        return unwritable(directory, "it belongs to another user")
    if read(maker) == version:
        return ""
    command = [sys.executable, "-m", "venv", "--clear", directory]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        last = (made.stdout.strip().splitlines() or ["venv gave no reason"])[-1]
        return unwritable(directory, last)
    write(maker, version)
    return ""


def unwritable(directory: str, why: str) -> str:
    """Returns the sentence for an environment that cannot be created or changed."""
    return (
        f"The virtual environment {os.path.abspath(directory)} could not be made ({why}): run make as the owner of "
        "the project's directory, or in a copy of your own, on a disk with room."
    )


def install(directory: str, locks: "list[str]") -> str:
    """Install exactly what the locks name, by hash; returns the error, or an empty text."""
    python = os.path.join(directory, "bin", "python")
    command = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps"]
    # No sdists, whose build may need a compiler, except what has no wheel: plain Python, for tests only.
    command += ["--only-binary", ":all:", "--no-binary", "dkimpy,python-etcd,ydiff"]
    command += ["--require-hashes", "--root-user-action", "ignore"]
    for lock in locks:
        command += ["-r", lock]
    if subprocess.call(command, stdout=sys.stderr) == 0:
        return ""
    return (
        "pip could not install what the locks name (its output is above): check the network, "
        "or choose another Python, as in `make run PYTHON=python3.12`."
    )


def main(directory: str, locks: "list[str]") -> int:
    """Returns the exit code: 0 when the environment is as the locks say."""
    error = find_obstacle()
    if not error and read(stamp(directory, locks)) != fingerprint(locks):
        print(f"Installing packages into {directory} (once) ...", file=sys.stderr)
        try:
            error = make(directory) or install(directory, locks)
            # An environment with the tests' packages serves `make run`, too.
            for done in [] if error else [locks[:1], locks]:
                write(stamp(directory, done), fingerprint(done))
        except OSError as fault:
            error = unwritable(directory, str(fault))
    if error:
        print(error, file=sys.stderr)
    return 1 if error else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
