"""A Message-ID as people paste it, from a header or a log, names its message."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.mail.message import MessageRef
from service.finding.search_text import named_message

MESSAGE_ID = "01a22e632f97730984c7fa0448177509.31@northlight.example"


@pytest.mark.parametrize(
    "pasted", [MESSAGE_ID, f"<{MESSAGE_ID}>", f"Message-ID: <{MESSAGE_ID}>", f"Message-Id:{MESSAGE_ID}"]
)
def test_a_message_id_names_its_message_however_it_is_pasted(pasted: str) -> None:
    assert named_message(pasted) == MessageRef(customer_id=31, message_id=UUID("01a22e632f97730984c7fa0448177509"))


@pytest.mark.parametrize("pasted", ["Message-ID:", f"In-Reply-To: <{MESSAGE_ID}>", f"<{MESSAGE_ID}> <{MESSAGE_ID}>"])
def test_other_texts_name_none(pasted: str) -> None:
    assert named_message(pasted) is None
