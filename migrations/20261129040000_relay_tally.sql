-- migrate:up

-- How many recipients each relay took, a row a quarter of an hour and shard: the day of any time zone is a sum of them.
-- Shards as in `campaign_tally`: a worker writes one, so that workers do not wait for each other.
create table relay_tally (
    relay text not null,
    quarter timestamptz not null,
    shard smallint not null,
    accepted bigint not null,
    primary key (relay, quarter, shard)
) with (fillfactor = 50);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
