"""`make run`: starts everything, explains why it cannot start, and leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gateway.database import PREDATES_BASELINE
from service.standalone.postgres import Postgres
from service.standalone.process_guard import Account
from tests.launching import ROOT, free_port, launched, refused
from tests.old_database import make_old_database
from tests.servers import stop

UPSERT = (
    'mutation { upsertCustomers(input: {customers: [{externalRef: "C-1", name: "Ada"}]})'
    " { customers { id } userErrors { message } } }"
)
NAME = '{ customer(externalRef: "C-1") { name } }'

ACCOUNTS = [Account.SELF, Account.MAPPED] if os.geteuid() == 0 else [Account.SELF]
"""The users to run the launcher as: the current one, and an ordinary one when that is root."""


@pytest.fixture
def data(run_directory: Path, request: pytest.FixtureRequest) -> Path:
    """A data directory that does not exist yet, with a path short enough for sockets."""
    return run_directory / f"data-{abs(hash(request.node.name)) % 10**8}"


@pytest.mark.parametrize("account", ACCOUNTS)
def test_it_starts_everything_and_ctrl_c_ends_everything(data: Path, account: Account) -> None:
    with launched(data, account=account) as launcher:
        assert launcher.get("/healthz") == 200
        assert launcher.get("/readyz") == 200
        assert launcher.query(UPSERT)[1]["data"]["upsertCustomers"]["customers"] == [{"id": "Customer_1"}]
        assert launcher.query(NAME, token="ce_wrong")[0] == 401
        assert stat.S_IMODE((data / "token").stat().st_mode) == 0o600
        assert stat.S_IMODE((data / "secret_keys").stat().st_mode) == 0o600
        # Where the output is kept no token is
        assert launcher.token not in launcher.output
        assert f"in {data / 'token'}" in launcher.output
        began = time.monotonic()
        assert launcher.end(signal.SIGINT) == []
        assert time.monotonic() - began < 10
        assert launcher.process.returncode == 0


def test_kill_9_leaves_nothing_behind_and_loses_nothing(data: Path) -> None:
    with launched(data) as launcher:
        launcher.query(UPSERT)
        token = launcher.token
        assert launcher.end(signal.SIGKILL) == []
    with launched(data) as again:
        assert again.token == token
        assert again.query(NAME)[1]["data"] == {"customer": {"name": "Ada"}}


def test_a_closed_terminal_ends_everything_without_a_signal(data: Path) -> None:
    # Given a launcher that gets no SIGHUP from its terminal, as under a make that leads the session
    window, terminal = os.openpty()
    ours = {"DATA": str(data), "PORT": str(free_port()), "DEMO": "0", "RECORDER_DIR": str(data / "recorders")}
    environment = {**os.environ, **ours}
    command = [sys.executable, "-m", "service.standalone"]
    launcher = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    said = b""
    while b"Ctrl-C" not in said:
        said += os.read(window, 4096)
    family = [psutil.Process(launcher.pid), *psutil.Process(launcher.pid).children(recursive=True)]
    # When the terminal is closed
    os.close(window)
    # Then it ends, and everything with it
    launcher.wait(15)
    assert len(family) > 4
    assert psutil.wait_procs(family, timeout=15)[1] == []


def ask(what: str, data: Path, **variables: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of what `make link` and `make token` run, with nothing of this shell's."""
    done = subprocess.run(
        [sys.executable, "-m", "service.standalone.access", what],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA": str(data), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


def test_links_and_tokens_are_made_beside_a_running_launcher(data: Path) -> None:
    nothing_runs = f"Nothing is ready in {data}: start it with `make run`, or name the directory of the one that runs, "
    assert ask("link", data) == (1, "", f"{nothing_runs}as in `make link DATA=/some/dir`.\n")
    with launched(data) as launcher:
        # The token of the first start, and others
        assert ask("token", data) == (0, launcher.token, "")
        code, made, _ = ask("token", data, TOKEN_NAME="O'Neill's CRM")
        assert (code, launcher.query(UPSERT, token=made)[0]) == (0, 200)
        code, made, said = ask("token", data, TOKEN_NAME="O'Neill's CRM")
        assert (code, made, said) == (1, "", "There is a token named O'Neill's CRM already: choose another name.\n")
        assert ask("token", data, TOKEN_NAME="a\nb")[0] == 1
        code, made, _ = ask("token", data, TOKEN_NAME="provider", INBOUND="1")
        assert (code, launcher.query(UPSERT, token=made)[0]) == (0, 403)
        assert "needs a name" in ask("token", data, INBOUND="1")[2]
        # and a link that shows the button
        code, link, _ = ask("link", data)
        assert (code, link.partition("/login/")[0]) == (0, f"http://127.0.0.1:{launcher.port}")
        assert launcher.get(f"/login/{link.rpartition('/')[2]}") == 200
        # A second launcher that finds the directory taken leaves the first one's way in
        refused(data)
        assert ask("token", data) == (0, launcher.token, "")
        assert stat.S_IMODE((data / "running.json").stat().st_mode) == 0o600
        launcher.end(signal.SIGKILL)
    # Killed, it runs no more, whatever it left
    code, _, said = ask("token", data)
    assert (code, said.startswith(nothing_runs)) == (1, True)


def test_a_second_launcher_names_the_first(data: Path) -> None:
    with launched(data) as launcher:
        said = refused(data)
        assert f"{data} is in use by another `make run` (process {launcher.process.pid})" in said
        assert len(said.splitlines()) == 1
        taken = {"INBOUND_SMTP": str(launcher.port)}
        assert refused(data.with_name("elsewhere"), taken) == (
            f"INBOUND_SMTP={launcher.port} of HOST=127.0.0.1 cannot be opened (Address already in use): "
            "choose another, as in INBOUND_SMTP=2525.\n"
        )
        said = refused(data.with_name("elsewhere"), {"PORT": str(launcher.port)})
        assert said == (
            f"Port {launcher.port} is in use by another program: choose another, as in `make run PORT=8123`.\n"
        )


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PORT": "http"}, "PORT=http is no port"),
        ({"PORT": "70000"}, "PORT=70000 is no port"),
        ({"HOST": "203.0.113.7"}, "cannot be opened"),
        ({"HOST": "no such host"}, "is no address of this machine"),
        ({"DEMO": "yes"}, "DEMO=yes means nothing"),
        ({"DEMO": "1", "RELAY_URL": "smtp://127.0.0.1:2525"}, "DEMO=1 and RELAY_URL exclude each other"),
        ({"DEMO": "", "RELAY_URL": "smtp://127.0.0.1:2525?name=demo"}, "demo is the demo's own relay"),
        ({"DEMO": "", "RELAY_URL": "http://relay"}, "RELAY_URL: a relay starts with smtp://"),
        ({"DEMO": "", "RELAY_URL": "smtp://user:secret@relay.internal"}, "credentials would travel in clear"),
        ({"RELAY_URL_FILE": "/nowhere"}, "RELAY_URL_FILE=/nowhere cannot be read"),
        (
            {"RELAY_URL": "smtps://a.example,smtps://me:secret@b.example", "ON_COMMAND_LINE": "RELAY_URL"},
            "RELAY_URL holds a password, and a command line can be read by everybody",
        ),
    ],
)
def test_an_unusable_option_is_explained_in_one_line(data: Path, variables: dict[str, str], words: str) -> None:
    said = refused(data, variables)
    assert words in said
    assert len(said.splitlines()) == 1
    assert "secret" not in said


def test_a_directory_that_cannot_be_written_is_named(data: Path) -> None:
    data.write_text("a file, not a directory")
    said = refused(data / "below")
    assert said.startswith(f"{data / 'below'} cannot be written")
    assert len(said.splitlines()) == 1


def test_a_directory_with_something_else_in_the_databases_place_is_left_alone(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "notes.txt").write_text("mine")
    said = refused(data)
    assert said.startswith(f"{data / 'postgres'} holds something that is no database: choose another directory")
    assert len(said.splitlines()) == 1
    assert (data / "postgres" / "notes.txt").read_text() == "mine"


def test_a_path_too_long_for_sockets_and_with_special_characters_works(data: Path) -> None:
    # Given a temporary directory of its own, and a path that sockets cannot have
    outside = data.with_name(f"{data.name}-tmp")
    outside.mkdir()
    with launched(data / ("a long, odd 'name' " * 8) / "é", {"TMPDIR": str(outside)}) as launcher:
        # When it is ready, then its sockets are in the temporary directory
        assert launcher.get("/readyz") == 200
        (sockets,) = outside.glob("customer-emails-*")
        assert any(sockets.iterdir())
        # and when it has ended they are gone
        assert launcher.end(signal.SIGINT) == []
        assert list(outside.iterdir()) == []


@pytest.mark.parametrize("program", ["-m gateway$", "-m gateway --inbound$", "valkey-server", "bin/postgres"])
def test_a_server_that_exits_is_restarted(data: Path, program: str) -> None:
    with launched(data) as launcher:
        (fallen,) = launcher.servers(program)
        fallen.kill()
        launcher.wait_until(lambda: "starting it again" in launcher.output)
        launcher.wait_until(lambda: launcher.servers(program) not in ([], [fallen]))
        launcher.wait_until(lambda: launcher.get("/readyz") == 200)
        assert fallen not in launcher.servers(program)


def test_an_own_database_is_migrated_and_used(data: Path, postgres: Postgres) -> None:
    with launched(data, {"OWN_DATABASE_URL": postgres.url("of_my_own")}) as launcher:
        assert launcher.query(UPSERT)[0] == 200
        assert not (data / "postgres").exists()


def test_a_database_of_ones_own_made_before_the_first_release_is_refused(data: Path, postgres: Postgres) -> None:
    url = asyncio.run(make_old_database(postgres, "old_of_my_own"))
    assert refused(data, {"OWN_DATABASE_URL": url}) == f"{PREDATES_BASELINE}\n"


def test_an_own_database_that_cannot_be_reached_is_reported(data: Path) -> None:
    said = refused(data, {"OWN_DATABASE_URL": "postgresql://someone:secret@127.0.0.1:1/mail"})
    assert "The migrations could not be applied: " in said
    assert "Is DATABASE_URL right, its server running" in said
    assert len(said.splitlines()) == 1
    assert "secret" not in said


def test_a_directory_made_before_the_first_release_is_named_and_left_alone(data: Path) -> None:
    # Given a data directory whose database a version before the first release has migrated
    data.mkdir()
    server = Postgres(data=data / "postgres", run=data, log=data / "postgres.log", durable=False)
    try:
        server.start()
        server.wait_ready()
        asyncio.run(make_old_database(server, "mail"))
    finally:
        stop(server.process, signal.SIGINT)
    # When everything is to be started on it, then one sentence says what to do
    said = refused(data)
    assert said.splitlines()[-1] == (
        f"{data} was made by a version before the first release and cannot be migrated: remove it, or choose another "
        "directory with DATA=/some/dir."
    )
    assert len(said.splitlines()) == 1
    assert (data / "postgres" / "PG_VERSION").exists()
