-- Imports: uploaded tables of customers, read and carried out batch by batch.

-- name: lock_import_store$
-- Uploads begin one after the other, so that each counts the others' files.
select pg_advisory_xact_lock(hashtext('customer_import'))::text;

-- name: import_store^
-- How many files are kept, and their octets.
select count(*) as files, coalesce(sum(i.file_bytes), 0)::bigint as octets from customer_import i where i.file_kept;

-- name: begin_import_upload$
-- Takes note of a file that is coming; returns the import's id.
insert into customer_import (file_name, file_bytes, actor) values (:file_name, :file_bytes, :actor) returning id;

-- name: insert_import_chunk$
-- Stores the next chunk of a file that is coming; returns the octets of all kept files, nothing where the upload is gone.
with coming as (
    update customer_import i set file_bytes = greatest(i.file_bytes, :received::bigint)
    where i.id = :id and i.status is null
    returning i.id, i.file_bytes
), stored as (
    insert into import_chunk (import_id, number, bytes) select c.id, :number::integer, :bytes::bytea from coming c
)
select (c.file_bytes + coalesce((select sum(o.file_bytes) from customer_import o
                                 where o.file_kept and o.id <> c.id), 0))::bigint
from coming c;

-- name: finish_import_upload$
-- Makes an import of a file that is here as a whole; its id, or nothing where the upload is gone.
update customer_import
set status = 'UPLOADED', file_bytes = :file_bytes, encoding = :encoding, delimiter = :delimiter, columns = :columns,
    body_at = :body_at, body_line = :body_line, next_at = :body_at, next_line = :body_line
where id = :id and status is null
returning id;

-- name: abandon_import_upload!
-- Forgets a file that did not come as a whole.
delete from customer_import where id = :id and status is null;

-- name: lock_import^
-- An import about which a person decides.
select i.id, i.status, i.file_kept, i.columns from customer_import i
where i.id = :id and i.status is not null
for update;

-- name: fixed_list_of_import^
-- The list that an import's customers are to join; it stays until the transaction ends.
select l.id, l.kind = 'FIXED' as is_fixed from customer_list l where l.id = :list_id::bigint for key share;

-- name: start_import!
-- Begins to check or carry out an import; what an earlier check found is forgotten.
update customer_import
set status = 'RUNNING', dry_run = :dry_run, columns = :columns, list_id = :list_id, next_at = body_at,
    next_line = body_line, scanned = case when total is null then 0 else scanned end, read = 0, created = 0,
    updated = 0, unchanged = 0, failed = 0, stepped_at = now(), finished_at = null
where id = :id;

-- name: forget_import_errors!
-- Deletes what was refused of an import that a person starts again: 100,000 lines at most.
delete from import_error where import_id = :id;

-- name: delete_import_errors$
-- Deletes some of what was refused of an import; returns how many lines.
with gone as (
    delete from import_error e
    where e.ctid = any(array(select o.ctid from import_error o where o.import_id = :id limit :limit::integer))
    returning 1
)
select count(*) from gone;

-- name: cancel_import!
-- Ends an import; what it has done stays.
update customer_import set status = 'CANCELLED', finished_at = now() where id = :id;

-- name: import_to_carry_on^
-- The import under way that waited longest and that nobody works at.
select i.id, i.file_name, i.file_bytes, i.encoding, i.delimiter, i.columns, i.list_id, i.dry_run, i.body_at,
       i.body_line, i.next_at, i.next_line, i.scanned, i.total, i.failed
from customer_import i
where i.status = 'RUNNING'
order by i.stepped_at
limit 1
for update skip locked;

-- name: import_chunks
-- Chunks of a file, in order.
select c.bytes from import_chunk c
where c.import_id = :id and c.number between :first::integer and :last::integer
order by c.number;

-- name: note_scanned_lines!
-- How far the first reading has come.
update customer_import
set next_at = :next_at, next_line = :next_line, scanned = scanned + :scanned, stepped_at = clock_timestamp()
where id = :id;

-- name: finish_import_scan!
-- The whole file can be read and has so many lines: from its beginning on it is carried out.
update customer_import
set scanned = scanned + :scanned, total = scanned + :scanned, next_at = body_at, next_line = body_line,
    stepped_at = clock_timestamp()
where id = :id;

-- name: note_imported_lines!
-- What one batch came to, and where the next begins; with the last one it is at its end.
update customer_import
set next_at = :next_at, next_line = :next_line, read = read + :read, created = created + :created,
    updated = updated + :updated, unchanged = unchanged + :unchanged, failed = failed + :failed,
    total = case when :is_last::boolean then read + :read else total end,
    status = case when :is_last::boolean then case when dry_run then 'CHECKED' else 'FINISHED' end else 'RUNNING'
             end::import_status,
    finished_at = case when :is_last::boolean then clock_timestamp() end, stepped_at = clock_timestamp()
where id = :id;

-- name: fail_import$
-- Ends an import that cannot go on; its id, or nothing when it has ended.
update customer_import set status = 'FAILED', finished_at = clock_timestamp() where id = :id and status = 'RUNNING'
returning id;

-- name: insert_import_errors!
-- Keeps what was refused: a fault a row, a line's values with its first.
insert into import_error (import_id, line, number, heading, code, message, line_values)
select :id, f.line, f.number, f.heading, f.code, f.message, f.line_values
from json_to_recordset(:faults) as f(line integer, number smallint, heading text, code text, message text,
                                     line_values jsonb);

-- name: lock_imported_customers
-- Locks the customers that lines of an import mean: by their reference, or, where an address is given, the one with the
-- lowest id that has it; in the order in which upserts lock them. Returns their ids.
with meant as (
    select c.id from customer c where c.external_ref = any(:external_refs::text[])
    union
    select holder.customer_id
    from unnest(:address_keys::bytea[]) as k(address_key)
    cross join lateral (
        -- Fenced, or a plan made while the tables were small walks the primary key to find the lowest holder first.
        select a.customer_id
        from (select n.customer_id from customer_address n where n.address_key = k.address_key offset 0) a
        join customer u on u.id = a.customer_id and u.erased_at is null
        order by a.customer_id limit 1
    ) holder
)
select c.id from customer c where c.id = any(array(select m.id from meant m)) order by c.external_ref for no key update;

-- name: imported_customers
-- Customers as they are, each with the keys of its addresses and the place after them, lowest id first.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.erased_at is not null as erased,
       d.address_keys, d.next_position
from customer c
left join lateral (
    select array_agg(a.address_key) as address_keys, max(a.position) + 1 as next_position
    from customer_address a where a.customer_id = c.id
) d on true
where c.id = any(:ids::bigint[])
order by c.id;

-- name: insert_imported_customers
-- Makes new customers; returns their ids. One whose reference another transaction has taken meanwhile is missing.
insert into customer (external_ref, name, locale, time_zone, tags, attributes)
select n.external_ref, n.name, n.locale, n.time_zone, n.tags, n.attributes
from json_to_recordset(:customers) as n(external_ref text, name text, locale text, time_zone text, tags text[],
                                        attributes jsonb)
order by n.external_ref
on conflict (external_ref) do nothing
returning id, external_ref;

-- name: update_imported_customers!
-- Writes customers of whom an import says something new.
update customer c
set name = n.name, locale = n.locale, time_zone = n.time_zone, tags = n.tags, attributes = n.attributes
from json_to_recordset(:customers) as n(id bigint, name text, locale text, time_zone text, tags text[],
                                        attributes jsonb)
where c.id = n.id;

-- name: insert_imported_addresses!
-- Adds addresses behind those that customers have.
insert into customer_address (customer_id, position, address, address_key)
select n.customer_id, n.position, n.address, decode(n.address_key, 'hex')
from json_to_recordset(:addresses) as n(customer_id bigint, position smallint, address text, address_key text);

-- name: join_list_of_import!
-- Adds customers to the list of an import; members stay.
insert into list_member (list_id, customer_id, actor)
select :list_id, n.id, :actor from unnest(:customer_ids::bigint[]) as n(id)
order by n.id
on conflict (list_id, customer_id) do nothing;

-- name: refused_lines
-- What was refused of an import, after this place, in order.
select e.line, e.number, e.heading, e.code, e.message, e.line_values
from import_error e
where e.import_id = :id and (e.line, e.number) > (:after_line::integer, :after_number::integer)
order by e.line, e.number
limit :limit::integer;

-- name: import_headings$
-- The columns of an import; nothing where there is none.
select i.columns from customer_import i where i.id = :id and i.status is not null;

-- name: old_import_file^
-- A file that is not needed any more: of an upload that never ended, of an import that ended :older_than ago or was
-- never started, or was cancelled before anything of it was refused.
select i.id, i.status is null as is_partial from customer_import i
where i.file_kept and i.status is distinct from 'RUNNING' and (
    (i.status is null and i.created_at < now() - :partial_after::interval)
    or (i.status is not null and coalesce(i.finished_at, i.created_at) < now() - :older_than::interval)
    or (i.status = 'CANCELLED' and i.failed = 0)
)
order by i.id
limit 1
for update skip locked;

-- name: delete_import_chunks
-- Deletes some chunks of a file; returns their numbers.
delete from import_chunk c
where c.import_id = :id
  and c.number in (select k.number from import_chunk k where k.import_id = :id order by k.number limit :limit::integer)
returning c.number;

-- name: forget_import_file!
-- Takes note that a file is gone, and forgets the values that were shown of it.
update customer_import i
set file_kept = false,
    columns = coalesce((select jsonb_agg(jsonb_set(c.value, '{sample}', '[]') order by c.place)
                        from jsonb_array_elements(i.columns) with ordinality as c(value, place)), '[]')
where i.id = :id;
