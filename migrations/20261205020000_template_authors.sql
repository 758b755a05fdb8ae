-- migrate:up

-- Who published a version of a template: the name of a token or person. Null for what comes with the product, and for
-- versions of before.
alter table template_version add column created_by text;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
