-- Imports of customers as the API shows them. A file that is still coming is none.

-- name: imports_by_id
-- Whole rows of imports.
select i.id, i.status, i.file_name, i.encoding, i.columns, i.list_id, i.dry_run, i.read, i.total, i.created, i.updated,
       i.unchanged, i.failed, i.actor, i.created_at, i.finished_at
from customer_import i
where i.id = any(:ids::uuid[]) and i.status is not null;

-- name: imports_page
-- One page of imports, newest first.
select i.id from customer_import i
where i.id < :before and i.status is not null
order by i.id desc
limit :rows;

-- name: import_errors_page
-- One page of what was refused of each of these imports, by line.
select e.import_id, e.line, e.number, e.heading, e.code, e.message
from unnest(:ids::uuid[]) as wanted (id)
cross join lateral (
    select f.import_id, f.line, f.number, f.heading, f.code, f.message
    from import_error f
    where f.import_id = wanted.id and (f.line, f.number) > (:after_line::integer, :after_number::integer)
    order by f.line, f.number
    limit :rows
) e
order by e.import_id, e.line, e.number;

-- name: import_error_counts
-- How much was refused of each of these imports, counted up to :most and one more.
select wanted.id, (
    select count(*) from (select from import_error f where f.import_id = wanted.id limit :most::integer + 1) n
) as errors
from unnest(:ids::uuid[]) as wanted (id);
