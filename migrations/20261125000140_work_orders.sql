-- migrate:up

-- Letters about one work order share one event in the customer's calendar; which of them is the latest is told by
-- SEQUENCE (RFC 5545 3.8.7.4). Two letters of one second had the same: it is counted here, one up a letter.
create table work_order (
    customer_id bigint not null references customer,
    number text not null,
    sequence integer not null check (sequence >= 0),
    primary key (customer_id, number)
);

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
