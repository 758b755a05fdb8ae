-- migrate:up

-- Of mail that waited in a ledger when that was copied, and may have been sent before it was restored.
alter type cause add value 'RESTORED' after 'TIMEOUT';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
