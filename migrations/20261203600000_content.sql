-- migrate:up

-- Who may see the mail itself, and the files of sent mail: tokens and people who were given that. Nobody was before.
alter table api_token
    add column content boolean not null default false,
    add constraint api_token_for_inbound_sees_nothing check (not (content and inbound_only));
alter table login_link add column content boolean not null default false;
alter table session add column content boolean not null default false;

-- The hash of a received file, which is no content of its own: it stands in its mail. Null for those that came before.
alter table message_attachment
    add column part_sha256 bytea check (length(part_sha256) = 32),
    add constraint message_attachment_part_is_hashed check (part_sha256 is null or part is not null);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
