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
-- One page of what was refused of an import, by line.
select e.line, e.number, e.heading, e.code, e.message
from import_error e
where e.import_id = :id and (e.line, e.number) > (:after_line::integer, :after_number::integer)
order by e.line, e.number
limit :rows;
