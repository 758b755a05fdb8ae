"""nginx and Apache as people put them before the service: real programs with a configuration of the test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.eventually import eventually
from tests.service_process import free_port

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
NGINX = shutil.which("nginx", path=_PATH)
APACHE = shutil.which("apache2", path=_PATH) or shutil.which("httpd", path=_PATH)
_FOLDERS = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"))
_MODULES = next((one for one in _FOLDERS if one.is_dir()), None)
_TRIES = 3
"""A free port may be taken before the proxy listens on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetUp:
    """A way to put a proxy before the service. `lacking` says why it cannot be tried here; None: it can."""

    name: str
    lacking: str | None
    command: Callable[[Path], list[str]]
    configuration: Callable[[Path, int, int], str]
    """From a directory, the port to listen on and the service's port."""


@asynccontextmanager
async def before(set_up: SetUp, directory: Path, upstream: int) -> AsyncIterator[str]:
    """The address at which the proxy listens, until the block ends. Raises RuntimeError with what it wrote when it does
    not start."""
    log = directory / "log"
    for _ in range(_TRIES):
        port = free_port()
        (directory / "proxy.conf").write_text(set_up.configuration(directory, port, upstream))
        with log.open("ab") as output:
            process = subprocess.Popen(set_up.command(directory), stdout=output, stderr=output, cwd=directory)  # noqa: ASYNC220 - returns at once
        try:
            await eventually(partial(_is_settled, process, port))
            if process.poll() is None:
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            process.terminate()
            process.wait(10)
    raise RuntimeError(f"{set_up.name} does not start: {log.read_text(errors='replace')}")


def _is_settled(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it has ended, or listens."""
    if process.poll() is not None:
        return True
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _nginx_command(directory: Path) -> list[str]:
    return [NGINX or "", "-e", "stderr", "-p", str(directory), "-c", str(directory / "proxy.conf")]


def _nginx(behind: str) -> Callable[[Path, int, int], str]:
    def configuration(directory: Path, port: int, upstream: int) -> str:
        temporary = "".join(
            f"  {kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            # One process, so that nothing changes its user
            f"daemon off;\nmaster_process off;\npid {directory}/pid;\nevents {{}}\n"
            f"http {{\n  access_log off;\n{temporary}"
            f"  server {{\n    listen 127.0.0.1:{port};\n    location / {{\n"
            f"      proxy_pass http://127.0.0.1:{upstream}{behind};\n"
            "      proxy_set_header Host $host;\n      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
            "    }\n  }\n}\n"
        )

    return configuration


def _apache_command(directory: Path) -> list[str]:
    return [APACHE or "", "-X", "-d", str(directory), "-f", str(directory / "proxy.conf")]


def _apache(options: str = "", more: str = "") -> Callable[[Path, int, int], str]:
    def configuration(directory: Path, port: int, upstream: int) -> str:
        modules = "".join(
            f"<IfModule !{name}_module>\nLoadModule {name}_module {_MODULES}/mod_{name}.so\n</IfModule>\n"
            for name in ("mpm_event", "unixd", "authz_core", "proxy", "proxy_http")
            if (Path(_MODULES or "") / f"mod_{name}.so").exists()
        )
        # Apache refuses to serve as root
        user = "User #65534\nGroup #65534\n" if os.geteuid() == 0 else ""
        return (
            f"ServerName 127.0.0.1\nListen 127.0.0.1:{port}\nPidFile {directory}/pid\nErrorLog {directory}/log\n"
            f"DefaultRuntimeDir {directory}\n{modules}{user}{more}"
            f"ProxyPass / http://127.0.0.1:{upstream}/{options}\nProxyPassReverse / http://127.0.0.1:{upstream}/\n"
        )

    return configuration


_NO_NGINX = None if NGINX else "nginx is not installed"
_NO_APACHE = None if APACHE and _MODULES else "Apache is not installed"
NGINX_SLASH = SetUp(name="nginx-slash", lacking=_NO_NGINX, command=_nginx_command, configuration=_nginx("/"))
NGINX_PLAIN = SetUp(name="nginx", lacking=_NO_NGINX, command=_nginx_command, configuration=_nginx(""))
APACHE_DEFAULT = SetUp(name="apache", lacking=_NO_APACHE, command=_apache_command, configuration=_apache())
APACHE_RAW = SetUp(
    name="apache-nocanon",
    lacking=_NO_APACHE,
    command=_apache_command,
    configuration=_apache(" nocanon", "AllowEncodedSlashes NoDecode\n"),
)
SET_UPS = (NGINX_SLASH, NGINX_PLAIN, APACHE_DEFAULT, APACHE_RAW)
