-- migrate:up

-- Words of the subjects of mailings: accepted campaign mail has none of its own in the search rows.
create table mailing_words (
    mailing_id integer primary key references mailing on delete cascade,
    words tsvector not null
);
create index mailing_words_words on mailing_words using gin (words);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
