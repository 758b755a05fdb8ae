-- migrate:up

-- Imports: files of customers (CSV) on their way in. The file lies here in chunks, so that any worker goes on with it.
create type import_status as enum ('UPLOADED', 'RUNNING', 'CHECKED', 'FINISHED', 'FAILED', 'CANCELLED');

create table customer_import (
    id uuid primary key default uuidv7(),
    -- Null while the file is still coming: half an upload is no import.
    status import_status,
    file_name text not null check (length(file_name) between 1 and 255),
    -- Octets: while the file comes what was announced, or more where more came.
    file_bytes bigint not null check (file_bytes >= 0),
    -- Whether its chunks are here; they are deleted some days after its end.
    file_kept boolean not null default true,
    -- A codec's name, and the character between two values.
    encoding text check (length(encoding) <= 20),
    delimiter text check (length(delimiter) = 1),
    -- In the file's order: {heading, field, sample}.
    columns jsonb not null default '[]' check (jsonb_typeof(columns) = 'array'),
    -- No reference: a list may be deleted after its import, and one that is deleted before ends the import.
    list_id integer,
    dry_run boolean not null default true,
    -- Where the first line of customers begins, and where to go on: an octet of the file, and the number of its line.
    body_at bigint not null default 0,
    body_line integer not null default 2,
    next_at bigint not null default 0,
    next_line integer not null default 2,
    -- How many lines the first reading has found; it must reach the end before anything is carried out.
    scanned integer not null default 0,
    read integer not null default 0,
    -- Known once the whole file was read once: what cannot be read at all is refused before anything is written.
    total integer,
    created integer not null default 0,
    updated integer not null default 0,
    unchanged integer not null default 0,
    failed integer not null default 0,
    actor text not null,
    created_at timestamptz not null default now(),
    -- When a step of it was done last: the import that waited longest is next.
    stepped_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((status is null or status in ('UPLOADED', 'RUNNING')) = (finished_at is null)),
    check (read = created + updated + unchanged + failed),
    check (status is null or (encoding is not null and delimiter is not null))
);
create index customer_import_running on customer_import (stepped_at) where status = 'RUNNING';
create index customer_import_with_file on customer_import (id) where file_kept;

-- A file's octets, each chunk of the same size but the last. Not compressed: it is read once or twice.
create table import_chunk (
    import_id uuid not null references customer_import on delete cascade,
    number integer not null check (number >= 0),
    bytes bytea not null,
    primary key (import_id, number)
);
alter table import_chunk alter column bytes set storage external;

-- What was refused of a file: one row a fault. The first of a line keeps the line's values.
create table import_error (
    import_id uuid not null references customer_import on delete cascade,
    line integer not null,
    number smallint not null,
    heading text,
    code text not null,
    message text not null,
    line_values jsonb check (jsonb_typeof(line_values) = 'array'),
    primary key (import_id, line, number)
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
