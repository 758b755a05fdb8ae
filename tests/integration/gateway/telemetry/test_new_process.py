"""What a gateway process shows before anything has happened to it."""

from __future__ import annotations

import subprocess
import sys

SHOWN = "import gateway.telemetry.metrics, prometheus_client; print(prometheus_client.generate_latest().decode())"


def test_a_process_that_reads_no_mailbox_does_not_say_that_it_is_cut_off_from_one() -> None:
    shown = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True, check=True, timeout=60)
    # Then no alert on 0 fires for the workers beside the one process that reads it
    assert "\nmail_imap_connected NaN\n" in shown.stdout
