-- migrate:up

-- Whether anything still refers to stored bytes is asked for every one that is deleted, by foreign keys, too.
create index message_of_content on message (content_sha256) where content_sha256 is not null;
create index attachment_of_content on attachment (sha256);
create index message_attachment_of_content on message_attachment (sha256);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
