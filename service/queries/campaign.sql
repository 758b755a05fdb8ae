-- name: campaigns_by_id
-- Campaigns with their progress: the tally has a shard for each worker, added up here.
select c.id, c.title, c.kind, c.status, c.priority, audience_size(c.id), c.created_at, c.launched_at, c.finished_at,
       (select coalesce(sum(g.left_out), 0)::bigint from mailing g where g.campaign_id = c.id) as left_out, t.opted_out, t.made, t.accepted, t.refused, t.bounced, t.uncertain, t.held, t.expired, t.cancelled
from campaign c
cross join lateral (
    select coalesce(sum(y.made), 0)::bigint as made, coalesce(sum(y.accepted), 0)::bigint as accepted,
           coalesce(sum(y.refused), 0)::bigint as refused, coalesce(sum(y.bounced), 0)::bigint as bounced,
           coalesce(sum(y.uncertain), 0)::bigint as uncertain, coalesce(sum(y.held), 0)::bigint as held,
           coalesce(sum(y.expired), 0)::bigint as expired, coalesce(sum(y.cancelled), 0)::bigint as cancelled,
           coalesce(sum(y.left_out_opted_out), 0)::bigint as opted_out
    from mailing g join mailing_tally y on y.mailing_id = g.id
    where g.campaign_id = c.id
) t
where c.id = any(:ids::uuid[]);

-- name: campaigns_page
-- One page of campaigns, newest first.
select c.id
from campaign c
where c.id < :before
order by c.id desc
limit :rows;

-- name: templates_by_id
-- Templates, each with its newest version.
select t.id, t.name, v.number as version, v.fields, v.has_unsubscribe, v.id as template_version_id
from template t
cross join lateral (
    select n.id, n.number, n.fields, n.has_unsubscribe
    from template_version n
    where n.template_id = t.id
    order by n.number desc
    limit 1
) v
where t.id = any(:ids::uuid[]);

-- name: senders_by_id
-- Senders, each with its newest version.
select s.id, s.name, v.from_name, v.from_address, v.reply_to, v.signature, v.postal_address, v.locale, v.time_zone,
       v.track_replies, v.forward_replies_to
from sender s
cross join lateral (
    select n.from_name, n.from_address, n.reply_to, n.signature, n.postal_address, n.locale, n.time_zone,
           n.track_replies, n.forward_replies_to
    from sender_version n
    where n.sender_id = s.id
    order by n.number desc
    limit 1
) v
where s.id = any(:ids::uuid[]);

-- name: senders_page
-- One page of senders by name, behind the one with this id. A sender's name never changes.
select s.id
from sender s
where s.name > coalesce((select b.name from sender b where b.id = :after::uuid), '')
order by s.name
limit :rows;

-- name: templates_page
-- One page of campaign templates by name, behind the one with this id. A template's name never changes. All are read
-- where a part of the name is looked for: there are as many as people publish.
select t.id
from template t
where t.source_type = 'CAMPAIGN' and t.name > coalesce((select b.name from template b where b.id = :after::uuid), '')
  and (:pattern::text is null or t.name ilike :pattern)
order by t.name
limit :rows;

-- name: template_versions_by_id
-- Versions of templates, without what they were compiled to.
select v.id, v.template_id, v.number, v.subject, v.source->>'mjml' as mjml, v.source->>'html' as html,
       v.source->>'text' as text, coalesce(v.source->'sample_data', '{}'::jsonb) as sample_data, v.locale,
       v.created_at
from template_version v
where v.id = any(:ids::uuid[]);

-- name: compiled_by_version
-- What versions of templates were compiled to, and their pages with sample data.
select v.id, v.template_id, t.name, t.source_type, v.locale, v.compiled, v.fields, v.links,
       v.preview_html
from template_version v join template t on t.id = v.template_id
where v.id = any(:ids::uuid[]);

-- name: versions_of_templates
-- One page of the versions of each of these templates, newest first, behind the number.
select v.id, v.template_id, v.number
from unnest(:ids::uuid[]) with ordinality as wanted (id, place)
cross join lateral (
    select n.id, n.template_id, n.number
    from template_version n
    where n.template_id = wanted.id and n.number < :before::bigint
    order by n.number desc
    limit :rows
) v
order by wanted.place, v.number desc;
