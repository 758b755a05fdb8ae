-- migrate:up

-- Rows that are written twice (a hit when it is classified, a message at its answer and when it is opened) or again and
-- again: a fiftieth of them may be dead before a vacuum, however large the table. The server's default, a fifth, is a
-- vacuum of hours at hundreds of millions of rows, once in months. What is only inserted needs none of this:
-- PostgreSQL 18 counts insertions against the part of a table that is not frozen yet.
alter table message set (autovacuum_vacuum_scale_factor = 0.02);
alter table hit set (autovacuum_vacuum_scale_factor = 0.02);
alter table message_search set (autovacuum_vacuum_scale_factor = 0.02);
alter table message_engagement set (autovacuum_vacuum_scale_factor = 0.02);
alter table customer_latest set (autovacuum_vacuum_scale_factor = 0.02);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
