-- migrate:up

-- A revoked token's name is free again: the successor of a CRM's token is the CRM in the history, too. Of the tokens of
-- one name, at most one lives at a time, and each keeps its dates.
create unique index api_token_living_name on api_token (name) where revoked_at is null;
alter table api_token drop constraint api_token_name_key;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
