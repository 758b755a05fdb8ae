"""What may look wrong with a mail."""

from __future__ import annotations

from gateway.templates.mail_warnings import LARGEST_SHOWN, LINK_GROWTH, MailWarningCode, warnings_of_page


def test_a_page_that_gmail_would_cut_is_warned_of_with_its_size() -> None:
    assert warnings_of_page(LARGEST_SHOWN, 0) == ()
    (warning,) = warnings_of_page(LARGEST_SHOWN + 1, 0)
    assert (warning.code, warning.blocking) == (MailWarningCode.CLIPPED, False)
    assert "about 100 KB" in warning.message
    assert "Gmail shows the first 102 KB" in warning.message


def test_tracking_lengthens_links() -> None:
    assert warnings_of_page(LARGEST_SHOWN - LINK_GROWTH, 1) == ()
    assert len(warnings_of_page(LARGEST_SHOWN - LINK_GROWTH, 2)) == 1
