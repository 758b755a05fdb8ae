-- name: next_sequence$
-- The .ics SEQUENCE of a letter: above every earlier one about this work order, or what the caller counts itself; null
-- when the caller's is below an earlier one.
-- It begins with the seconds since 2020, as letters from before this table have them, and stays within 31 bits.
insert into work_order as w (customer_id, number, sequence)
values (:customer_id, :number,
        coalesce(:counted::integer, extract(epoch from now() - timestamptz '2020-01-01 00:00:00Z')::integer))
on conflict (customer_id, number) do update
set sequence = coalesce(:counted::integer, least(w.sequence::bigint + 1, 2147483647)::integer)
where :counted::integer is null or :counted::integer >= w.sequence
returning sequence;
