"""What the columns of an imported table become: guessed from their headings, changed by the person who imports."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.card_number import holds_card_number
from gateway.mail.merge_data import FIELD_NAME
from gateway.mail.names import tidy_name

MAX_COLUMNS = 200
"""Twice the values that a customer may have of its own."""
LONGEST_HEADING = 255
LONGEST_SAMPLE = 100
"""Characters of a value that is shown with its column."""

EXTERNAL_REF, ADDRESS, NAME = "externalRef", "address", "name"
FIRST_NAME, LAST_NAME = "firstName", "lastName"
LOCALE, TIME_ZONE, TAGS = "locale", "timeZone", "tags"
ATTRIBUTES = "attributes."
FIELDS = (EXTERNAL_REF, ADDRESS, NAME, FIRST_NAME, LAST_NAME, LOCALE, TIME_ZONE, TAGS)
ATTRIBUTE = re.compile(r"attributes\.(?P<name>\w+)(?::(?P<type>text|number|boolean))?")

_HEADINGS: Mapping[str, str] = {
    EXTERNAL_REF: "id ref reference externalref externalid customerid customerref customernumber customerno contactid "
    "crmid clientid clientno clientnumber customernr custno custnr custnumber custid kundennummer kundennr kundenno "
    "kdnummer kdnr kundenid referenz numeroclient idclient idcliente numerocliente "
    "codicecliente klantnummer klantid kundnummer kundenummer",
    ADDRESS: "address email emails emailaddress mail mailaddress emailadresse mailadresse epost epostadress "
    "epostadresse emailadres courriel adresseemail adressemail adresseelectronique correo correoelectronico "
    "direcciondecorreo indirizzoemail postaelettronica eposta sahkoposti primaryemail contactemail",
    NAME: "name fullname displayname contact contactname customername customer kunde kundenname nom nombre nome "
    "naam namn navn nimi nomcomplet nombrecompleto nomecompleto",
    FIRST_NAME: "firstname givenname forename vorname prenom voornaam fornamn fornavn etunimi imie",
    LAST_NAME: "lastname surname familyname nachname familienname nomdefamille apellido apellidos cognome sobrenome "
    "achternaam efternamn etternavn sukunimi nazwisko",
    LOCALE: "locale language lang sprache langue idioma lingua taal sprak sprog kieli jezyk",
    TIME_ZONE: "timezone tz zeitzone fuseauhoraire zonahoraria fusoorario tijdzone tidszon tidssone tidszone",
    TAGS: "tags tag labels label schlagworte schlagworter stichworte etiquettes etiquetas etichette",
}
_FIELD_OF = {heading: field for field, headings in _HEADINGS.items() for heading in headings.split()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column in its place: its heading, what it becomes (None: left out), its first values."""

    heading: str
    field: str | None
    sample: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnChoice:
    """What a person says that a column becomes; None leaves it out."""

    heading: str
    field: str | None


def read_columns(value: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Returns columns as the database keeps them."""
    return tuple(Column(heading=one["heading"], field=one["field"], sample=one["sample"]) for one in value)


def find_columns(headings: Sequence[str], sample: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """Returns a file's columns with what their headings say. Empty headings and repeated ones are numbered.

    Raises Refusal: TOO_MANY columns, TOO_LONG headings.
    """
    if len(headings) > MAX_COLUMNS:
        raise Refusal(RefusalCode.TOO_MANY, f"A file has at most {MAX_COLUMNS} columns.", ("file",))
    names = list(_own_names(headings))
    if max(map(len, names)) > LONGEST_HEADING:
        message = f"A heading has at most {LONGEST_HEADING} characters: the first line must be the header."
        raise Refusal(RefusalCode.TOO_LONG, message, ("file",))
    fields = _guess([tidy_name(heading) for heading in headings])
    return tuple(
        Column(heading=name, field=field, sample=[_shown(row[place]) for row in sample])
        for place, (name, field) in enumerate(zip(names, fields, strict=True))
    )


def _own_names(headings: Sequence[str]) -> Iterator[str]:
    """Each heading as one line of its own, told apart where several are alike."""
    given: set[str] = set()
    for place, heading in enumerate(headings, start=1):
        wanted = name = tidy_name(heading) or f"Column {place}"
        number = 2
        while name in given:
            name, number = f"{wanted} ({number})", number + 1
        given.add(name)
        yield name


def _shown(value: str) -> str:
    return "" if holds_card_number(value) else tidy_name(value)[:LONGEST_SAMPLE]


def _guess(headings: Sequence[str]) -> list[str | None]:
    fields: list[str | None] = []
    for heading in headings:
        field = _FIELD_OF.get(_plain(heading))
        fields.append(field if field is not None and field not in fields else None)
    # "Vorname, Name" and "Prénom, Nom": beside a first name, a name is the last one.
    if FIRST_NAME in fields and NAME in fields and LAST_NAME not in fields:
        fields[fields.index(NAME)] = LAST_NAME
    # A name as a whole says more than its parts.
    if NAME in fields:
        fields = [None if field in (FIRST_NAME, LAST_NAME) else field for field in fields]
    for place, heading in enumerate(headings):
        fields[place] = fields[place] or _own_attribute(heading, fields)
    return fields


def _plain(heading: str) -> str:
    """A heading in small letters without accents, spaces and signs: `E-Mail` is `email`, `Customer #` `customerno`."""
    letters = unicodedata.normalize("NFKD", heading.replace("#", "no")).casefold()
    return "".join(c for c in letters if c.isalnum())


def _own_attribute(heading: str, taken: Sequence[str | None]) -> str | None:
    """A heading as the name of a value of the customer's own, if it makes one that is free."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", heading.casefold()) if not unicodedata.combining(c))
    name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:63]
    field = f"{ATTRIBUTES}{name}"
    return field if FIELD_NAME.fullmatch(name) and not holds_card_number(name) and field not in taken else None


def map_columns(columns: Sequence[Column], choices: Sequence[ColumnChoice]) -> tuple[Column, ...]:
    """Returns the columns as chosen; those that no choice names stay as they are.

    Raises Refusal, or Refusals of all of them: MAPPING_INVALID for a choice of no column, two of one, a field that
    there is not, two columns of one field, and columns without an address and an externalRef.
    """
    if len(choices) > MAX_COLUMNS:
        raise _invalid(f"A file has at most {MAX_COLUMNS} columns.", "columns")
    found = RefusalCollector()
    headings = {column.heading for column in columns}
    counts = Counter(choice.heading for choice in choices)
    for number, choice in enumerate(choices):
        path = ("columns", str(number))
        with found.check():
            _check_choice(choice, headings, counts, path)
    found.raise_any()
    chosen = {choice.heading: choice.field for choice in choices}
    mapped = tuple(replace(one, field=chosen.get(one.heading, one.field)) for one in columns)
    _check_whole(mapped)
    return mapped


def _check_choice(choice: ColumnChoice, headings: set[str], counts: Mapping[str, int], path: tuple[str, ...]) -> None:
    if choice.heading not in headings:
        raise _invalid("The file has no column of this heading.", *path, "heading")
    if counts[choice.heading] > 1:
        raise _invalid("This column is named twice.", *path, "heading")
    if choice.field is not None and choice.field not in FIELDS:
        attribute = ATTRIBUTE.fullmatch(choice.field)
        if attribute is None or not FIELD_NAME.fullmatch(attribute["name"]):
            message = f"A column becomes one of {', '.join(FIELDS)}, or attributes.NAME, or null, which leaves it out."
            raise _invalid(message, *path, "field")


def _check_whole(columns: Sequence[Column]) -> None:
    found = RefusalCollector()
    fields = [target(column.field) for column in columns if column.field is not None]
    for field, count in Counter(fields).items():
        with found.check():
            if count > 1:
                raise _invalid(f"{count} columns become {field}: leave out all but one.", "columns")
    with found.check():
        if ADDRESS not in fields and EXTERNAL_REF not in fields:
            raise _invalid(
                "No column is the address or the externalRef: customers are found by one of them.", "columns"
            )
    with found.check():
        if NAME in fields and (FIRST_NAME in fields or LAST_NAME in fields):
            raise _invalid("The name is one column, or a firstName and a lastName.", "columns")
    found.raise_any()


def target(field: str) -> str:
    """What a field writes, without the type that it may name: `attributes.seats` of `attributes.seats:number`."""
    return field.partition(":")[0]


def _invalid(message: str, *path: str) -> Refusal:
    return Refusal(RefusalCode.MAPPING_INVALID, message, path)
