-- Conditions of list criteria over a customer c, put together by gateway/campaigns/criteria_sql.py: `:name` is a
-- parameter, which is numbered as its rule comes; `{name}` is another fragment's text.

-- fragment: alive
-- Nobody forgotten is in a dynamic list.
c.erased_at is null

-- fragment: field_name
-- The customer's name.
c.name

-- fragment: field_external_ref
-- Its id in the CRM.
c.external_ref

-- fragment: has_domain
-- Whether it has a primary address.
exists (select from customer_address d where d.customer_id = c.id and d.position = 0) = :wanted::boolean

-- fragment: field_domain
-- The domain of an address.
split_part(d.address, '@', -1)

-- fragment: domain_matches
-- Its primary address, where the domain matches. Not as a value of its own: a function of a subselect is not inlined,
-- which costs ten times as much.
exists (select from customer_address d where d.customer_id = c.id and d.position = 0 and {match})

-- fragment: field_locale
-- Its language.
c.locale

-- fragment: field_time_zone
-- Its time zone.
c.time_zone

-- fragment: attribute_text
-- One of its own values where that is a text.
(case when jsonb_typeof(c.attributes -> :name::text) = 'string' then c.attributes ->> :name::text end)

-- fragment: is_one_of
-- A text equal to one of many: these are hashed once.
folded({value}) in (select folded(t.text) from unnest(:texts::text[]) as t (text))

-- fragment: starts_with
-- A text with this beginning.
starts_with(folded({value}), folded(:text::text))

-- fragment: contains
-- A text that holds this.
strpos(folded({value}), folded(:text::text)) > 0

-- fragment: is_set
-- Whether there is a text.
({value} is not null) = :wanted::boolean

-- fragment: number_between
-- One of its own values where that is a number.
(case when jsonb_typeof(c.attributes -> :name::text) = 'number' then (c.attributes -> :name::text)::numeric end)
    between coalesce(:at_least::numeric, '-infinity') and coalesce(:at_most::numeric, 'infinity')

-- fragment: is_true
-- One of its own values that is this boolean.
c.attributes @> jsonb_build_object(:name::text, :wanted::boolean)

-- fragment: time_within
-- One of its own values where that is an instant of the last days.
attribute_time(c.attributes -> :name::text) between now() - make_interval(days => :days::integer) and now()

-- fragment: time_between
-- One of its own values where that is an instant of this span.
attribute_time(c.attributes -> :name::text) <@ tstzrange(:since::timestamptz, :until::timestamptz)

-- fragment: has_tag
-- One of these labels.
c.tags && :tags::text[]

-- fragment: is_member
-- In a fixed list.
exists (select from list_member y where y.list_id = :list_id::integer and y.customer_id = c.id)

-- fragment: opted_out
-- Itself, or the reader at one of its addresses.
(exists (select from opt_out x where x.customer_id = c.id and x.kind = :kind::opt_out_kind)
 or exists (select from customer_address d join address_opt_out x on x.address_key = d.address_key
            where d.customer_id = c.id and x.kind = :kind::opt_out_kind))

-- fragment: once
-- Something happened.
exists (select {happened})

-- fragment: often
-- Something happened to so many mails: no more are read.
(select count(*) from (select distinct {mail} {happened} limit :times::integer) mails) >= :times::integer

-- fragment: mail
-- The mail of what happens to messages.
m.id

-- fragment: mail_of_hit
-- The mail of an open or a click.
h.message_id

-- fragment: days_ago
-- The beginning of the last days.
now() - make_interval(days => :days::integer)

-- fragment: moment
-- The beginning or the end of a span.
:moment::timestamptz

-- fragment: of_sources
-- Mail of these source types.
m.source_type = any(:source_types::source_type[])

-- fragment: of_campaigns
-- Mail of these campaigns.
m.campaign_id = any(:campaign_ids::uuid[])

-- fragment: mailed
-- Messages that were made; internal mail is in no history.
from message m where m.customer_id = c.id and m.direction = 'SENT' and not m.internal

-- fragment: mailed_since
-- By the time in the key: a range of it.
m.id >= uuid_at({moment})

-- fragment: mailed_until
-- By the time in the key: a range of it.
m.id < uuid_at({moment})

-- fragment: accepted
-- Messages that a server took, also those that came back later.
from message m where m.customer_id = c.id and m.direction = 'SENT' and not m.internal and m.sent_at is not null

-- fragment: accepted_since
-- When the server took it.
m.sent_at >= {moment}

-- fragment: accepted_until
-- When the server took it.
m.sent_at < {moment}

-- fragment: failed
-- Messages that were refused or came back.
from message m
where m.customer_id = c.id and m.direction = 'SENT' and not m.internal and m.status in ('REFUSED', 'BOUNCED')

-- fragment: failed_since
-- When it came back, or was refused.
coalesce(m.bounced_at, m.decided_at) >= {moment}

-- fragment: failed_until
-- When it came back, or was refused.
coalesce(m.bounced_at, m.decided_at) < {moment}

-- fragment: opened
-- What `openedAt` counts: opens that are no machine's, and clicks of people, which imply one.
from hit h
where h.customer_id = c.id and h.rules_version > 0
  and (h.verdict = 'HUMAN' or (h.kind = 'OPEN' and h.verdict = 'UNKNOWN'))

-- fragment: clicked
-- Clicks that are no machine's, as `clicks` lists them, once they are judged.
from hit h where h.customer_id = c.id and h.kind = 'CLICK' and h.verdict <> 'MACHINE' and h.rules_version > 0

-- fragment: hit_since
-- When it was fetched.
h.occurred_at >= {moment}

-- fragment: hit_until
-- When it was fetched.
h.occurred_at < {moment}

-- fragment: hit_of
-- Hits of such mail.
exists (select from message m where m.customer_id = h.customer_id and m.id = h.message_id and {of})

-- fragment: replied
-- Messages that a person answered.
from message r join message m on m.customer_id = r.customer_id and m.id = r.answers_message_id
where r.customer_id = c.id and r.direction = 'RECEIVED'
  and not exists (select from received_mail v
                  where v.customer_id = r.customer_id and v.message_id = r.id and v.automatic)

-- fragment: replied_since
-- When the answer came: a range of its key.
r.id >= uuid_at({moment})

-- fragment: replied_until
-- When the answer came: a range of its key.
r.id < uuid_at({moment})

-- fragment: found
-- How many customers meet a condition, counted no further than a limit, and the newest of them.
select count(*) as found, (array_agg(f.id order by f.id desc))[1:(:sample::integer)] as sample
from (select c.id from customer c where {condition} limit :most::bigint) f

-- fragment: sampled
-- How many customers of some blocks of their table, taken at random, meet a condition, some of those, and which part of
-- the table these blocks are.
select count(*) as found, (array_agg(c.id order by c.id desc))[1:(:sample::integer)] as sample, {part} as part
from customer c tablesample system (100 * {part})
where {condition}

-- fragment: part
-- So many blocks as a part of the table of customers.
least(1, :blocks::float8 / greatest(1, pg_relation_size('customer') / current_setting('block_size')::integer))

-- fragment: found_by_search
-- Whom a search finds, as `customers_found` of the service: by three trigram indexes.
c.id in (
    select n.id from customer n
    where n.name_words like :word::text and n.name_words like all(:other_words::text[])
    union
    select x.id from customer x where x.reference_key like :reference::text
    union
    select d.customer_id from customer_address d where d.address ilike :address::text or d.address ilike :in_a_labels::text
)

-- fragment: page
-- A page of one list: of those who meet its condition, the newest customers first.
(select :list_id::integer as list_id, c.id as customer_id
 from customer c
 where c.id < :before::bigint and {condition}
 order by c.id desc
 limit :rows::integer)

-- fragment: between
-- A range of customers, oldest first, of those who meet a condition.
select c.id
from customer c
where c.id > :after::bigint and c.id <= :up_to::bigint and {condition}
order by c.id

-- fragment: which_of
-- Which of some customers meet a condition: those of one list.
select :list_id::integer as list_id, c.id as customer_id
from customer c
where c.id = any(:customer_ids::bigint[]) and {condition}
