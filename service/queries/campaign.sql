-- name: campaigns_by_id
-- Campaigns.
select c.id, c.title, c.kind, c.status, c.priority, audience_size(c.id), c.created_at, c.launched_at, c.finished_at,
       c.tracked, c.repeat, c.paused_at, c.paused_why, c.archived_at, s.sender_id
from campaign c
join sender_version s on s.id = c.sender_version_id
where c.id = any(:ids::uuid[]);

-- name: mailings_by_id
-- Mailings with their subject lines and the times they were asked for.
select g.id, g.campaign_id, g.number, g.status, g.template_version_id, coalesce(g.subject, v.subject) as subject,
       num_nonnulls(g.send_at, g.local_time, g.after_days) > 0 as is_scheduled,
       g.send_at, to_char(g.local_time, 'YYYY-MM-DD"T"HH24:MI') as at_local_time, g.after_days, g.after_minutes,
       to_char(g.not_before, 'HH24:MI') as local_time, g.due_at, g.frozen_at, g.not_opened_mailing_id
from mailing g
join template_version v on v.id = g.template_version_id
where g.id = any(:ids::integer[]);

-- name: mailings_of_campaigns
-- The mailings of campaigns, in order.
select g.campaign_id, g.id from mailing g where g.campaign_id = any(:ids::uuid[]) order by g.campaign_id, g.number;

-- name: campaigns_page
-- One page of campaigns, newest first. What filters leave out is read, too: there are as many as people make.
select c.id
from campaign c
where c.id < :before and (c.archived_at is not null) = :archived::boolean
  and (:statuses::text[] is null or c.status::text = any(:statuses::text[]))
  and (:kind::text is null or c.kind::text = :kind::text)
  and (:pattern::text is null or c.title ilike :pattern::text)
  and (:list_ids::integer[] is null
       or c.id in (select n.campaign_id from campaign_list n where n.list_id = any(:list_ids::integer[])))
order by c.id desc
limit :rows;

-- name: lists_of_campaigns
-- The lists of campaigns, and those that they leave out, by name.
select n.campaign_id, n.list_id as id, n.excluded
from campaign_list n join customer_list l on l.id = n.list_id
where n.campaign_id = any(:ids::uuid[]) order by n.campaign_id, l.name;

-- name: history_of_campaigns
-- One page of the changes of each of these campaigns, newest first, before the id.
select e.campaign_id, e.id, e.action, uuid_extract_timestamp(e.id) as occurred_at, e.actor as by, e.detail
from unnest(:ids::uuid[]) with ordinality as wanted (id, place)
cross join lateral (
    select n.campaign_id, n.id, n.action, n.actor, n.detail
    from campaign_event n
    where n.campaign_id = wanted.id and n.id < :before::uuid
    order by n.id desc
    limit :rows
) e
order by wanted.place, e.id desc;

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

-- name: uses_of_lists
-- How many campaigns are for each of these lists, or leave its members out; lists that no campaign names are left out.
select n.list_id as id, count(*)::integer as campaigns
from campaign_list n
where n.list_id = any(:ids::integer[])
group by n.list_id;

-- name: uses_of_templates
-- How many campaigns have a mailing of a version of these templates; those that no campaign uses are left out.
select v.template_id as id, count(distinct g.campaign_id)::integer as campaigns
from template_version v
join mailing g on g.template_version_id = v.id
where v.template_id = any(:ids::uuid[])
group by v.template_id;

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
       v.created_at, v.created_by
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
