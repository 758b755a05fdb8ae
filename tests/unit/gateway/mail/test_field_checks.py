"""Checks of single fields. Most are tested through the letters that use them (`test_letter`)."""

from __future__ import annotations

import pytest

from gateway.errors import Refusal
from gateway.mail.field_checks import check_time_zone


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "posix/UTC", "right/UTC", "Berlin", "../UTC"])
def test_a_time_zone_is_one_of_ianas(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_time_zone(name, ("timeZone",))
    assert refused.value.field == ("timeZone",)
    check_time_zone("Europe/Berlin", ())
    check_time_zone("UTC", ())
