"""A reply that says anything beside "no such user" suppresses nobody, whatever its code and its other words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.verdict import Cause, Verdict, judge
from gateway.verdict_rules import read_verdict_rules
from tests.unit.exchanges import answered

RULES = read_verdict_rules()


def judged(line: str) -> Verdict:
    return judge(answered(line), RULES)


CODES = [
    *("550 5.1.1", "550 5.1.2", "550 5.1.3", "550 5.1.6", "550 5.1.10", "553 5.1.1", "554 5.1.1", "501 5.1.3"),
    *(f"550 5.1.{detail}" for detail in (0, 4, 5, 7, 8, 9, 11, 20, 90, 351)),
    *("550", "551", "553", "554", "556", "550 5.0.0", "550 5.4.4"),
]

RECIPIENT = [
    "",
    "<ann@customer.example>",
    "User unknown",
    "No such user here",
    "invalid recipient",
    "<ann@customer.example>: Recipient address rejected",
    "Recipient address rejected: User unknown in local recipient table",
    "mailbox not found",
    "The email account that you tried to reach does not exist",
    "unknown address",
    "Domain not found",
    "delivery error: dd This user doesn't have a yahoo.com account",
    "Empfaenger unbekannt",
    "Undefined mailbox",
    "cannot locate the user",
    "No record of that account",
    "alias not found",
    "The employee has left",
    "no_such_user",
    "Recipient is not in our directory",
    "Пользователь не найден",
    "用户不存在",
    "ユーザーが存在しません",
]

POLICY = [
    "Blocked by policy",
    "rejected for policy reasons",
    "violates our security policy",
    "Message refused",
    "Access denied",
    "delivery not authorized",
    "administrative prohibition",
    "not permitted",
    "not allowed to send to this address",
    "forbidden by a transport rule",
    "recipient only accepts mail from internal users",
    "refused due to recipient preferences",
    "restricted mailbox",
    "closed mailing list, only subscribers are permitted",
    "rejected by a security rule",
    "the administrator has forbidden it",
    "the recipient refused your mail",
    "external mail is not permitted",
    "Zugriff verweigert: gesperrt",
    "bloqueado por la politica",
    "Zustellung verweigert",
    "没有用户权限",
    "受信者への送信権限がありません",
    "ユーザーはメールを受け付けていません",
    "отправка запрещена",
]
QUOTA = [
    "over quota",
    "mailbox full",
    "quota exceeded",
    "insufficient storage",
    "no space left",
    "daily limit exceeded",
    "message too large",
    "too many messages",
    "submission quota exceeded",
    "rate limited",
    "Postfach voll",
    "Der Speicherplatz ist voll",
    "hourly limit reached",
    "the inbox is full",
    "out of storage",
    "casella piena",
    "buzon lleno",
    "size limit exceeded",
    "zu viele Empfaenger",
    "trop de messages",
    "mensaje demasiado grande",
]
SENDER = [
    "unauthorized sender",
    "sender address rejected",
    "unknown sender",
    "your domain does not exist",
    "From: address invalid",
    "MAIL FROM rejected",
    "return-path not found",
    "bad reverse-path",
    "originator unknown",
    "authentication required",
    "please log in first",
    "invalid credentials",
    "helo name unknown",
    "relaying denied",
    "SPF check failed",
    "DMARC policy of reject",
    "must use TLS",
    "header not accepted",
    "Absender unbekannt",
    "remitente desconocido",
    "mittente sconosciuto",
    "expediteur inconnu",
    "неизвестный отправитель",
    "发件人不存在",
    "送信者が存在しません",
    "the sender's mailbox does not exist",
    "your account is not known",
    "authenticated user not found",
    "the return path is not valid",
    "reverse DNS not found",
    "header From: not valid",
    "Ihre Domain ist unbekannt",
    "votre adresse n'existe pas",
    "su cuenta no existe",
    "ваш адрес не существует",
    "您的地址不存在",
    "usuario desconocido, contraseña no valida",
    "无效的用户名，密码不存在",
]
BLOCK = [
    "blocked using zen.spamhaus.org",
    "your IP is blacklisted",
    "IP address banned",
    "on our block list",
    "sender blocked",
    "poor reputation",
    "suspected spam",
    "looks like junk mail",
    "unsolicited bulk mail",
    "virus found",
    "message quarantined by the content filter",
    "possible forgery",
    "deactivated due to abuse",
    "mailbox disabled",
    "account suspended",
    "your network is blocked",
    "client host blocked",
    "listed in a blacklist",
    "too many complaints",
    "abusive host",
    "dynamic IP",
    "phishing link",
    "message content rejected",
    "forbidden attachment",
    "user is inactive",
    "mailbox deactivated",
    "als Werbung eingestuft",
    "correo no deseado",
    "сообщение похоже на спам",
    "垃圾邮件",
    "the moderated list is for subscribers",
    "bad MIME structure",
    "the subject is empty",
]
VERIFICATION = [
    "sender verify failed",
    "unverified address",
    "address verification in progress",
    "recipient verification failed",
    "could not verify recipient",
    "unable to validate recipient",
    "callout failed",
    "connect to mx.customer.example[192.0.2.9]:25: Connection timed out",
    "connection refused",
    "host unreachable",
    "temporarily unavailable",
    "try again later",
    "greylisted",
    "lookup timed out",
    "directory error",
    "server busy",
    "delayed by greylisting",
    "internal error",
    "server misconfigured",
    "mail loop",
    "LDAP lookup timed out",
    "cannot determine whether it exists",
    "delivery deferred",
    "call back in progress",
    "service unavailable",
    "message expired in the queue",
    "unknown error",
    "command not recognized",
    "under maintenance",
    "Interner Fehler",
    "plus tard",
    "ошибка сервера",
    "稍后再试",
]
LISTS = [
    "possible reasons: no such user, spam",
    "either the user is unknown or the mail unwanted",
    "reason(s) unknown",
    "it may not exist",
    "one of the following is so",
]
OTHERS = [*POLICY, *QUOTA, *SENDER, *BLOCK, *VERIFICATION, *LISTS]

joins = st.sampled_from([": ", "; ", ", ", " - ", ". ", " or ", " (", "... ", "\\n", " "])
quotes = st.sampled_from(["{}", "'{}'", '"{}"', "host mx.customer.example[192.0.2.9] said: 550 {}", "({})"])
stages = st.sampled_from(["RCPT", "DATA", "END_OF_DATA"])
cases = st.sampled_from([str, str.lower, str.upper])


@given(stages, st.sampled_from(CODES), st.sampled_from(RECIPIENT), st.sampled_from(OTHERS), joins, quotes, cases)
def test_no_address_code_suppresses_against_its_own_words(
    stage: str, code: str, recipient: str, other: str, join: str, quote: str, case: Callable[[str], str]
) -> None:
    for words in (f"{recipient}{join}{quote.format(other)}", f"{quote.format(other)}{join}{recipient}"):
        assert not judged(f"{stage} {code} {case(words)}").suppress


@given(st.sampled_from(CODES), st.lists(st.sampled_from(OTHERS), min_size=1, max_size=3))
def test_an_address_code_alone_with_other_words_suppresses_nobody(code: str, others: list[str]) -> None:
    assert not judged(f"RCPT {code} {', '.join(others)}").suppress


@pytest.mark.parametrize("code", ["550 5.1.1", "550 5.1.3", "550 5.1.6", "550 5.1.10"])
def test_an_address_code_with_nothing_beside_it_suppresses(code: str) -> None:
    for words in ("", " <ann@customer.example>", " <ann@customer.example>: Recipient address rejected", " unknown"):
        verdict = judged(f"RCPT {code}{words}")
        assert (verdict.cause, verdict.suppress) == (Cause.BAD_ADDRESS, True), words


@pytest.mark.parametrize(
    "words",
    ["We would rather not", "RCP-P2 Refused due to recipient preferences", "Nein danke", "Not today, thank you"],
)
def test_an_address_code_with_words_that_nobody_knows_suppresses_nobody(words: str) -> None:
    verdict = judged(f"RCPT 550 5.1.1 {words}")
    assert not verdict.suppress
    assert judged(f"RCPT 550 5.1.2 {words}").suppress is False
    assert judged(f"RCPT 556 {words}").suppress is False
