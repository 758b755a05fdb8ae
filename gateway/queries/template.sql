-- Templates and their immutable versions.

-- name: insert_template!
-- Makes a template's name, once.
insert into template (name, source_type) values (:name, :source_type) on conflict (name) do nothing;

-- name: lock_template^
-- Locks the template of this name, so that its versions are numbered one after the other; returns it.
select id, source_type from template where name = :name for update;

-- name: newest_version_of_template^
-- The newest version of one template, and the hash of its source.
select v.id, v.number, v.source_sha256
from template_version v where v.template_id = :template_id
order by v.number desc limit 1;

-- name: hashes_of_templates
-- The hashes of the sources of these templates' newest versions: publishing skips those that are the same.
select distinct on (t.id) t.name, v.source_sha256
from template t join template_version v on v.template_id = t.id
where t.name = any(:names::text[])
order by t.id, v.number desc;

-- name: insert_template_version^
-- Writes the next version of a template; returns its id and number.
insert into template_version (template_id, number, locale, subject, source, compiled, fields, links, has_unsubscribe,
                              preview_subject, preview_html, preview_text, source_sha256, created_by)
values (:template_id, 1 + coalesce((select max(number) from template_version where template_id = :template_id), 0),
        :locale, :subject, :source, :compiled, :fields, :links, :has_unsubscribe, :preview_subject, :preview_html,
        :preview_text, :source_sha256, :actor)
returning id, number;

-- name: template_version_by_id^
-- One version of a template, as mail was or will be composed from it.
select v.id, v.template_id, t.name, t.source_type, v.number, v.locale, v.compiled, v.fields, v.preview_subject,
       v.preview_html, v.preview_text
from template_version v join template t on t.id = v.template_id
where v.id = :version_id;

-- name: first_of_templates$
-- The newest version of the first of these templates that exists.
select v.id
from unnest(:names::text[]) with ordinality as wanted(name, place)
join template t on t.name = wanted.name
join template_version v on v.template_id = t.id
order by wanted.place, v.number desc limit 1;

-- name: versions_of_campaign
-- The versions that a campaign's mailings use, each once, with its page filled with sample data.
select v.id, v.preview_html, v.links
from template_version v
where v.id in (select g.template_version_id from mailing g where g.campaign_id = :campaign_id)
order by v.id;

-- name: merge_keys_of_campaign
-- The names of the values given in a campaign, for all recipients or for one by one.
select distinct k.name
from (
    select c.merge_data from campaign c where c.id = :campaign_id
    union all
    select r.merge_data from campaign_customer r where r.campaign_id = :campaign_id
) as d
cross join lateral jsonb_object_keys(d.merge_data) as k (name)
order by k.name;
