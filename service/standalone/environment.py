"""The project's virtual environment: made once, brought up to its locks when they change.

    python3 service/standalone/environment.py .venv requirements.lock [tests/requirements.lock]

Runs on whatever Python a machine calls python3, before anything is installed: standard library only, and nothing
that a Python of 2016 could not parse. Every trouble is one sentence on stderr and exit code 1.
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
    """What keeps this Python or machine from running the product, and what to do; empty when nothing does."""
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
    """Changes with the locks and with the Python that made the environment."""
    digest = hashlib.sha256(sys.version.encode())
    for lock in locks:
        with open(lock, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def stamp(directory: str, locks: "list[str]") -> str:
    """The file that holds the fingerprint of what is installed."""
    return os.path.join(directory, "installed" + ("-for-tests" if len(locks) > 1 else ""))


def read(path: str) -> str:
    """A stamp's text, or nothing."""
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def write(path: str, text: str) -> None:
    """A stamp."""
    with open(path, "w") as file:
        file.write(text)


def make(directory: str) -> str:
    """An empty environment of this Python, unless there is one; answers what went wrong."""
    maker = os.path.join(directory, "made-by")
    version = " ".join(sys.version.split())
    if os.path.isdir(directory) and not os.access(directory, os.W_OK):
        return unwritable(directory, "it belongs to somebody else")
    if read(maker) == version:
        return ""
    command = [sys.executable, "-m", "venv", "--clear", directory]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        last = (made.stdout.strip().splitlines() or ["it did not say why"])[-1]
        return unwritable(directory, last)
    write(maker, version)
    return ""


def unwritable(directory: str, why: str) -> str:
    """The sentence for an environment that cannot be made or changed here."""
    return (
        f"The virtual environment {os.path.abspath(directory)} could not be made ({why}): run make as the owner of "
        "the project's directory, or in a copy of your own, on a disk with room."
    )


def install(directory: str, locks: "list[str]") -> str:
    """Exactly what the locks name, by hash; answers what went wrong."""
    python = os.path.join(directory, "bin", "python")
    command = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps"]
    # Never an sdist, whose build could ask for a compiler; but for dkimpy, plain Python that only tests need.
    command += ["--only-binary", ":all:", "--no-binary", "dkimpy", "--require-hashes", "--root-user-action", "ignore"]
    for lock in locks:
        command += ["-r", lock]
    if subprocess.call(command, stdout=sys.stderr) == 0:
        return ""
    return (
        "pip could not install what the locks name (its own words are above): check the network, "
        "or choose another Python, as in `make run PYTHON=python3.12`."
    )


def main(directory: str, locks: "list[str]") -> int:
    """Exit code 0 when the environment is as the locks say."""
    trouble = find_obstacle()
    if not trouble and read(stamp(directory, locks)) != fingerprint(locks):
        print(f"Installing packages into {directory} (once) ...", file=sys.stderr)
        try:
            trouble = make(directory) or install(directory, locks)
            # What tests need stands beside what runs: `make run` finds its own done, too.
            for done in [] if trouble else [locks[:1], locks]:
                write(stamp(directory, done), fingerprint(done))
        except OSError as error:
            trouble = unwritable(directory, str(error))
    if trouble:
        print(trouble, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
