"""The proposal as a one-page PDF, written as plain ISO 32000 objects, so that the demo attaches a real file."""

from __future__ import annotations

from service.standalone.demo.customers import Customer
from service.standalone.demo.letters import price_list


def proposal_pdf(customer: Customer) -> bytes:
    """Returns one A4 page; the same bytes for the same customer."""
    lines = ["Northlight Home Systems", "", f"Proposal {customer.ref}", customer.project, customer.site, ""]
    lines += [f"{what:.<40} {amount:>12} {customer.currency}" for what, amount in price_list(customer)]
    lines += ["", f"Total {customer.amount} {customer.currency}", "", "Valid for 21 days."]
    shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
    content = f"BT /F1 12 Tf 18 TL 72 760 Td {shown} ET".encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    return _file(objects)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _file(objects: list[bytes]) -> bytes:
    """Returns the file: header, numbered objects, cross-reference table, trailer."""
    made, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return made + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
