"""Refused lines as a file: a line each, with every reason and its values."""

from __future__ import annotations

from typing import Any

from gateway.campaigns.import_export import write_header, write_lines
from gateway.mail.export_links import ExportFormat


def fault(line: int, number: int = 0, heading: str | None = "Mail", **values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "code": "INVALID",
        "message": "Wrong.",
        "line_values": ["x", "=1"] if number == 0 else None,
    }
    return {"line": line, "number": number, "heading": heading, **(usual | values)}


ROWS = [fault(2), fault(2, 1, heading=None), fault(5, line_values=["a,b", '"', "more"]), fault(7, line_values=None)]


def test_as_a_table() -> None:
    assert write_header(["Mail", "=Name"], ExportFormat.CSV) == "line,reason,Mail,'=Name\r\n"
    assert write_lines(ROWS, ["Mail", "Name"], ExportFormat.CSV) == (
        "2,Mail: Wrong. Wrong.,x,'=1\r\n" + '5,Mail: Wrong.,"a,b","""",more\r\n' + "7,Mail: Wrong.\r\n"
    )


def test_as_json() -> None:
    assert write_header(["Mail"], ExportFormat.JSONL) == ""
    first, second, third = write_lines(ROWS, ["Mail", "Name"], ExportFormat.JSONL).splitlines()
    assert first == (
        '{"line":2,"errors":[{"heading":"Mail","code":"INVALID","message":"Wrong."},'
        '{"heading":null,"code":"INVALID","message":"Wrong."}],"values":{"Mail":"x","Name":"=1"}}'
    )
    assert '"values":{"Mail":"a,b","Name":"\\""},"more":["more"]' in second
    assert '"values":{}' in third
