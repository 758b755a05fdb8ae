"""What the benchmark of received mail sends, and how it judges."""

from __future__ import annotations

import re

from tests.bench.inbound import CORPUS, Run, reports, rows


def test_every_report_is_sent_as_smtp_wants_it() -> None:
    found = reports()
    assert len(found) == len(list(CORPUS.glob("*.eml"))) > 100
    for report in found:
        assert re.search(rb"(?<!\r)\n|\r(?!\n)", report) is None
        assert b"\r\n.\r\n" not in b"\r\n" + report + b"\r\n"


def test_rate_and_memory_have_goals_and_the_cost_is_beside_the_files() -> None:
    ours = Run(rate=450.0, cpu={"listener": 300.0, "PostgreSQL": 100.0}, memory=(70.0, 80.0))
    files = Run(rate=1000.0, cpu={"aiosmtpd": 800.0}, memory=(50.0, 50.0))
    rate, cpu, memory = rows(ours, files, count=20_000)
    assert (rate.ratio, rate.met) == (0.45, False)
    assert (cpu.value, cpu.ratio, cpu.met) == (400.0, 0.5, None)
    assert (memory.met, memory.goal) == (False, 1.1)
