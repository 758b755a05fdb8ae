-- Senders: the profiles mail is sent as. A change is a new version; versions never change.

-- name: insert_sender!
-- Makes a profile's name, once.
insert into sender (name) values (:name) on conflict (name) do nothing;

-- name: lock_sender_by_name$
-- Locks the profile of this name, so that its versions are numbered one after the other; returns its id.
select id from sender where name = :name for update;

-- name: insert_sender_version^
-- Writes the next version of a profile; returns it.
insert into sender_version (sender_id, number, from_name, from_address, reply_to, signature, postal_address, locale,
                            time_zone, track_replies, forward_replies_to)
values (:sender_id, 1 + coalesce((select max(number) from sender_version where sender_id = :sender_id), 0), :from_name,
        :from_address, :reply_to, :signature, :postal_address, :locale, :time_zone, :track_replies, :forward_replies_to)
returning id, sender_id, from_name, from_address, reply_to, signature, postal_address, locale, time_zone,
          track_replies, forward_replies_to;

-- name: newest_sender_version^
-- The version in use of one profile, by its id or by its name.
select v.id, v.sender_id, s.name, v.from_name, v.from_address, v.reply_to, v.signature, v.postal_address, v.locale,
       v.time_zone, v.track_replies, v.forward_replies_to
from sender s join sender_version v on v.sender_id = s.id
where case when :sender_id::uuid is not null then s.id = :sender_id::uuid else s.name = :name::text end
order by v.number desc limit 1;

-- name: sender_version_by_id^
-- One version of a profile, as mail was or will be sent by it.
select v.id, v.sender_id, s.name, v.from_name, v.from_address, v.reply_to, v.signature, v.postal_address, v.locale,
       v.time_zone, v.track_replies, v.forward_replies_to
from sender_version v join sender s on s.id = v.sender_id
where v.id = :version_id;

-- name: sender_with_postal_address$
-- Whether the newest version of any sender has a postal address.
select exists (
    select from sender s
    cross join lateral (
        select n.postal_address from sender_version n where n.sender_id = s.id order by n.number desc limit 1
    ) v
    where v.postal_address is not null
);
