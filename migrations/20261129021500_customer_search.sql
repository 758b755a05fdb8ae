-- migrate:up

-- A search ignores accents and case, the order of a name's words, and spaces and dashes of a reference. What it compares
-- is made by these functions, for the row by an index, for the search by service/graph/customer_search.py in the same
-- way (a test compares them). The collation is named, since a database may have another. Indexes on them instead of columns: an upsert that changes no name writes none of it.

-- Without accents (combining signs of Latin, Greek and Cyrillic; kana and Hangul stay whole) and case.
create function folded(given text) returns text language sql immutable parallel safe
return replace(replace(translate(casefold(
    normalize(regexp_replace(normalize(given, nfkd), '[\u0300-\u036f]', '', 'g'), nfkc) collate pg_unicode_fast
), 'øđłıð', 'odlid'), 'æ', 'ae'), 'œ', 'oe');

-- A name as words with one space before, between and after them; an apostrophe parts none.
create function name_words(given text) returns text language sql immutable parallel safe
return ' ' || btrim(regexp_replace(
    translate(folded(given), '''’ʼ', '') collate pg_unicode_fast, '[[:space:][:punct:]]+', ' ', 'g'
)) || ' ';

-- A reference without spaces and dashes.
create function reference_key(given text) returns text language sql immutable parallel safe
return regexp_replace(folded(given) collate pg_unicode_fast, '[[:space:]\u2010-\u2015\u2212-]', '', 'g');

create index customer_name_words_trigram on customer using gin (name_words(name) gin_trgm_ops);
create index customer_reference_key_trigram on customer using gin (reference_key(external_ref) gin_trgm_ops);
-- A service of the version before searches without an index until it is replaced.
drop index customer_name_trigram;
drop index customer_external_ref_trigram;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
