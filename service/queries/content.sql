-- The mail itself: what it is kept as, or made of.

-- name: contents_of_messages
-- What these messages' mail is kept as (`stored_sha256`), or composed again from. Nothing of erased customers, of mail
-- past its retention, and of campaign mail whose address is gone.
select m.customer_id, m.id, m.direction::text, m.subject, m.mail_date, m.recipient, m.recipient_name, m.campaign_id,
       m.template_version_id, m.sender_version_id, m.tracked, m.token_key_id, m.composer_version, m.mail_sha256,
       m.decided_at is not null as decided, g.subject as own_subject,
       g.merge_data || coalesce(m.merge_data, '{}') as merge_data, m.merge_data is null as values_erased,
       k.sha256 as stored_sha256, k.size as stored_size
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id and not m.internal
join customer c on c.id = m.customer_id and c.erased_at is null
left join mailing g on g.id = m.mailing_id
left join content k on k.sha256 = m.content_sha256
where k.sha256 is not null or (m.campaign_id is not null and m.recipient is not null);

-- name: starts_of_contents
-- The first octets of stored mail, as they are encoded.
select k.sha256, k.encoding, substring(k.bytes from 1 for :octets::integer) as bytes
from content k
where k.sha256 = any(:sha256s::bytea[]);

-- name: whole_content
-- Stored mail.
select k.encoding, k.bytes from content k where k.sha256 = :sha256;

-- name: templates_to_compose_again
-- Versions of templates, as mail is composed from them.
select v.id, v.template_id, t.name, t.source_type, v.number, v.locale, v.compiled, v.fields, v.preview_subject,
       v.preview_html, v.preview_text
from template_version v join template t on t.id = v.template_id
where v.id = any(:ids::uuid[]);

-- name: senders_to_compose_again
-- Versions of senders, as mail is composed from them.
select v.id, v.sender_id, s.name, v.from_name, v.from_address, v.reply_to, v.signature, v.postal_address, v.locale,
       v.time_zone, v.track_replies, v.forward_replies_to
from sender_version v join sender s on s.id = v.sender_id
where v.id = any(:ids::uuid[]);

-- name: caller_sees_content
-- Whether a token of this name is living, or somebody is signed in by it, who may see the mail itself.
select exists (select from api_token t where t.name = :name and t.revoked_at is null and t.content)
    or exists (select from session s where s.name = :name and s.expires_at > now() and s.content) as sees;
