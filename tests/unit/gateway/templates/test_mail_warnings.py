"""What may look wrong with a mail."""

from __future__ import annotations

from gateway.templates.mail_warnings import (
    LARGEST_SHOWN,
    LINK_GROWTH,
    MAX_KEYS_NAMED,
    MailWarningCode,
    keys_unknown,
    warnings_of_page,
)


def test_a_page_that_gmail_would_cut_is_warned_of_with_its_size() -> None:
    assert warnings_of_page(LARGEST_SHOWN, 0) == ()
    (warning,) = warnings_of_page(LARGEST_SHOWN + 1, 0)
    assert (warning.code, warning.blocking) == (MailWarningCode.CLIPPED, False)
    assert "about 100 KB" in warning.message
    assert "Gmail shows the first 102 KB" in warning.message


def test_tracking_lengthens_links() -> None:
    assert warnings_of_page(LARGEST_SHOWN - LINK_GROWTH, 1) == ()
    assert len(warnings_of_page(LARGEST_SHOWN - LINK_GROWTH, 2)) == 1


def test_values_that_no_field_uses_are_named_up_to_a_number() -> None:
    warning = keys_unknown({"nmae", "ctiy"})
    assert (warning.code, warning.blocking) == (MailWarningCode.MERGE_KEY_UNKNOWN, False)
    assert "ctiy, nmae." in warning.message
    many = keys_unknown(f"k{number:03}" for number in range(MAX_KEYS_NAMED + 1))
    assert "k019 and more" in many.message
    assert "k020" not in many.message
