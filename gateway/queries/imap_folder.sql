-- Where the reading of a mailbox by IMAP stands.

-- name: imap_folder^
-- How far a folder was read.
select uid_validity, last_uid from imap_folder where name = :name;

-- name: record_imap_folder!
-- Notes how far a folder was read, beside the mail that was stored. Of two readers the one that is behind takes nothing
-- back.
insert into imap_folder as f (name, uid_validity, last_uid)
values (:name, :uid_validity, :last_uid)
on conflict (name) do update
set uid_validity = excluded.uid_validity,
    last_uid = case
        when f.uid_validity = excluded.uid_validity then greatest(f.last_uid, excluded.last_uid)
        else excluded.last_uid
    end;
