-- migrate:up

-- A hit that was judged while its mail had no final answer: when to look whether there is one now. Null: never.
alter table hit add column look_again_at timestamptz;
create index hit_to_look_at_again on hit (look_again_at) where look_again_at is not null;

-- Those of before, once.
update hit set look_again_at = now() where 'BEFORE_ANSWER' = any(reasons);

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
