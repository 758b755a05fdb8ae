-- migrate:up

-- People who may look and change nothing: a link of theirs, and the session that it opens. Everybody before may write.
alter table login_link add column read_only boolean not null default false;
alter table session add column read_only boolean not null default false;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
