-- migrate:up

-- What a business knows of its customers beside name, language and time zone: labels, and values of its own.
alter table customer
    add column tags text[] not null default '{}',
    add column attributes jsonb not null default '{}',
    add constraint customer_has_few_tags check (cardinality(tags) <= 100),
    add constraint customer_attributes_are_an_object check (jsonb_typeof(attributes) = 'object');
create index customer_tags on customer using gin (tags);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
