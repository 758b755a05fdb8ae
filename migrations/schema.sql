SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: btree_gin; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;


--
-- Name: EXTENSION btree_gin; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION btree_gin IS 'support for indexing common datatypes in GIN';


--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';


--
-- Name: author_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.author_kind AS ENUM (
    'CUSTOMER',
    'OTHER',
    'UNVERIFIED'
);


--
-- Name: campaign_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.campaign_kind AS ENUM (
    'MARKETING',
    'EVENT_BASED'
);


--
-- Name: campaign_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.campaign_status AS ENUM (
    'DRAFT',
    'SCHEDULED',
    'RUNNING',
    'PAUSED',
    'CANCELLED',
    'FINISHED'
);


--
-- Name: cause; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.cause AS ENUM (
    'BAD_ADDRESS',
    'BAD_DOMAIN',
    'MAILBOX_FULL',
    'INACTIVE',
    'POLICY',
    'SPAM',
    'AUTHENTICATION',
    'REPUTATION',
    'SIZE',
    'CONTENT',
    'GREYLISTED',
    'RATE_LIMITED',
    'RELAY_TROUBLE',
    'DESTINATION_TROUBLE',
    'OUR_CONFIGURATION',
    'UNSUPPORTED',
    'CONNECTION_LOST',
    'TIMEOUT',
    'RESTORED',
    'SUPPRESSED',
    'OPTED_OUT',
    'WRONG_RELAY',
    'DEADLINE',
    'BY_PERSON',
    'UNKNOWN'
);


--
-- Name: copy_role; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.copy_role AS ENUM (
    'CC',
    'BCC'
);


--
-- Name: count_precision; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.count_precision AS ENUM (
    'EXACT',
    'AT_LEAST',
    'ESTIMATE'
);


--
-- Name: direction; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.direction AS ENUM (
    'SENT',
    'RECEIVED'
);


--
-- Name: email_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.email_status AS ENUM (
    'QUEUED',
    'HANDED_OFF',
    'DEFERRED',
    'ACCEPTED',
    'REFUSED',
    'UNCERTAIN',
    'HELD',
    'CANCELLED',
    'EXPIRED',
    'BOUNCED',
    'RECEIVED'
);


--
-- Name: event_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.event_kind AS ENUM (
    'HELD',
    'CANCELLED',
    'EXPIRED',
    'RETRIED',
    'ASSUMED_SENT',
    'RESCUED',
    'UNCERTAIN',
    'RELEASED',
    'BOUNCED',
    'COMPLAINED',
    'SUPPRESSED',
    'OPTED_OUT',
    'SETTLED',
    'RETRIED_ONCE',
    'SUPPRESSION_LIFTED',
    'READDRESSED',
    'QUEUED',
    'ATTEMPTED',
    'OPENED',
    'CLICKED',
    'DELAYED',
    'DELIVERED',
    'RELAYED',
    'EXPANDED',
    'REPLIED',
    'RECEIVED',
    'FORWARDED',
    'ASSIGNED',
    'REPORT_BELIEVED',
    'TRIGGERED',
    'DISMISSED',
    'UNDONE'
);


--
-- Name: event_repeat; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.event_repeat AS ENUM (
    'ONCE_A_DAY',
    'ONCE'
);


--
-- Name: hit_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.hit_kind AS ENUM (
    'OPEN',
    'CLICK'
);


--
-- Name: hit_reason; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.hit_reason AS ENUM (
    'PREFETCH_HEADER',
    'HEAD_REQUEST',
    'EMPTY_AGENT',
    'SCANNER_AGENT',
    'PRIVACY_PROXY',
    'IMAGE_PROXY',
    'LINK_BURST',
    'MANY_MESSAGES',
    'BEFORE_ANSWER',
    'HONEYPOT',
    'BROWSER_AGENT',
    'UNRECOGNISED_AGENT'
);


--
-- Name: hit_verdict; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.hit_verdict AS ENUM (
    'HUMAN',
    'MACHINE',
    'UNKNOWN'
);


--
-- Name: import_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.import_status AS ENUM (
    'UPLOADED',
    'RUNNING',
    'CHECKED',
    'FINISHED',
    'FAILED',
    'CANCELLED'
);


--
-- Name: inbound_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.inbound_kind AS ENUM (
    'REPLY',
    'BOUNCE',
    'COMPLAINT',
    'AUTOMATIC'
);


--
-- Name: inbound_source; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.inbound_source AS ENUM (
    'SMTP',
    'LMTP',
    'HTTP',
    'IMAP'
);


--
-- Name: left_out_reason; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.left_out_reason AS ENUM (
    'OPTED_OUT',
    'SUPPRESSED',
    'NO_ADDRESS',
    'DUPLICATE_ADDRESS',
    'ERASED',
    'MERGE_FIELD_MISSING'
);


--
-- Name: list_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.list_kind AS ENUM (
    'FIXED',
    'DYNAMIC'
);


--
-- Name: mailing_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.mailing_status AS ENUM (
    'DRAFT',
    'SCHEDULED',
    'FREEZING',
    'RUNNING',
    'FINISHED',
    'CANCELLED'
);


--
-- Name: matched_by; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.matched_by AS ENUM (
    'TOKEN',
    'MESSAGE_ID',
    'ADDRESS',
    'PERSON'
);


--
-- Name: opt_out_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.opt_out_kind AS ENUM (
    'MARKETING',
    'EVENT_BASED'
);


--
-- Name: opt_out_source; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.opt_out_source AS ENUM (
    'LINK',
    'ONE_CLICK',
    'STAFF',
    'COMPLAINT'
);


--
-- Name: relay_event_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.relay_event_kind AS ENUM (
    'PAUSED',
    'RESUMED',
    'STOPPED',
    'CONNECTION',
    'TLS',
    'LOGIN',
    'UNAVAILABLE',
    'LIMITED'
);


--
-- Name: report_action; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.report_action AS ENUM (
    'FAILED',
    'DELAYED',
    'DELIVERED',
    'RELAYED',
    'EXPANDED'
);


--
-- Name: smtp_stage; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.smtp_stage AS ENUM (
    'CONNECT',
    'GREETING',
    'EHLO',
    'STARTTLS',
    'AUTH',
    'MAIL',
    'RCPT',
    'DATA',
    'CONTENT',
    'END_OF_DATA',
    'REPORT'
);


--
-- Name: source_type; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.source_type AS ENUM (
    'CAMPAIGN',
    'WORK_ORDER',
    'E_SIGNATURE',
    'CARD_PROCESSING'
);


--
-- Name: suppression_reason; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.suppression_reason AS ENUM (
    'BAD_ADDRESS',
    'COMPLAINT',
    'STAFF'
);


--
-- Name: suppression_scope; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.suppression_scope AS ENUM (
    'ALL_MAIL',
    'CAMPAIGNS'
);


--
-- Name: unmatched_reason; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.unmatched_reason AS ENUM (
    'NO_TRACE',
    'TOKEN_INVALID',
    'SEVERAL_CUSTOMERS',
    'UNKNOWN_SENDER',
    'UNREADABLE'
);


--
-- Name: verdict; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.verdict AS ENUM (
    'ACCEPTED',
    'DEFERRED',
    'REFUSED',
    'UNCERTAIN'
);


--
-- Name: add_changes_to_domain_months(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_changes_to_domain_months() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into domain_month_statistics as m (month, domain_no, cause, sent, accepted, deferred, refused, bounced,
                                              complained, opened, clicked, received, times)
    select date_trunc('month', c.day)::date, c.domain_no, c.cause, sum(c.k * c.sent), sum(c.k * c.accepted),
           sum(c.k * c.deferred), sum(c.k * c.refused), sum(c.k * c.bounced), sum(c.k * c.complained),
           sum(c.k * c.opened), sum(c.k * c.clicked), sum(c.k * c.received),
           add_up_times(all_times(case when c.k = 1 then c.times
                                       else array(select -(t >> 8) * 256 + (t & 255) from unnest(c.times) u (t)) end))
    from (select 1 as k, n.day, n.domain_no, n.cause, n.sent, n.accepted, n.deferred, n.refused, n.bounced,
                 n.complained, n.opened, n.clicked, n.received, n.times
          from new_days n
          union all
          select -1, o.day, o.domain_no, o.cause, o.sent, o.accepted, o.deferred, o.refused, o.bounced,
                 o.complained, o.opened, o.clicked, o.received, o.times
          from old_days o) c
    join domain_month_progress p on (c.day, coalesce(c.domain_no, 0)) < (p.day, p.domain_no)
    group by 1, 2, 3
    on conflict (month, domain_no, cause) do update
    set sent = m.sent + excluded.sent, accepted = m.accepted + excluded.accepted,
        deferred = m.deferred + excluded.deferred, refused = m.refused + excluded.refused,
        bounced = m.bounced + excluded.bounced, complained = m.complained + excluded.complained,
        opened = m.opened + excluded.opened, clicked = m.clicked + excluded.clicked,
        received = m.received + excluded.received, times = with_times(m.times, excluded.times);
    return null;
end $$;


--
-- Name: add_new_to_domain_months(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_new_to_domain_months() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into domain_month_statistics as m (month, domain_no, cause, sent, accepted, deferred, refused, bounced,
                                              complained, opened, clicked, received, times)
    select date_trunc('month', n.day)::date, n.domain_no, n.cause, sum(n.sent), sum(n.accepted), sum(n.deferred),
           sum(n.refused), sum(n.bounced), sum(n.complained), sum(n.opened), sum(n.clicked), sum(n.received),
           all_times(n.times)
    from new_days n join domain_month_progress p on (n.day, coalesce(n.domain_no, 0)) < (p.day, p.domain_no)
    group by 1, 2, 3
    on conflict (month, domain_no, cause) do update
    set sent = m.sent + excluded.sent, accepted = m.accepted + excluded.accepted,
        deferred = m.deferred + excluded.deferred, refused = m.refused + excluded.refused,
        bounced = m.bounced + excluded.bounced, complained = m.complained + excluded.complained,
        opened = m.opened + excluded.opened, clicked = m.clicked + excluded.clicked,
        received = m.received + excluded.received, times = with_times(m.times, excluded.times);
    return null;
end $$;


--
-- Name: add_up_times(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_up_times(times bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT COALESCE(array_agg(((t.n * 256) + t.bucket) ORDER BY t.bucket), '{}'::bigint[]) AS "coalesce" FROM (SELECT (u.c & (255)::bigint) AS bucket, (sum((u.c >> 8)))::bigint AS n FROM unnest(add_up_times.times) u(c) GROUP BY (u.c & (255)::bigint)) t WHERE (t.n <> 0));


--
-- Name: attribute_time(jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.attribute_time(given jsonb) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN ((jsonb_typeof(given) <> 'string'::text) OR ((given #>> '{}'::text[]) !~ '^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?)?$'::text) OR (NOT pg_input_is_valid((given #>> '{}'::text[]), 'timestamptz'::text))) THEN NULL::timestamp with time zone WHEN ((given #>> '{}'::text[]) ~ '^.{10}[Tt ].*([Zz]|[+-]\d{2}:?\d{2})$'::text) THEN ((given #>> '{}'::text[]))::timestamp with time zone ELSE (((given #>> '{}'::text[]))::timestamp without time zone AT TIME ZONE 'UTC'::text) END;


--
-- Name: audience_size(uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audience_size(of_campaign uuid) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select coalesce(sum(g.events + case when g.frozen_at is not null or g.status = 'CANCELLED'
                                        then g.recipients + g.left_out
                                        else (select count(*) from campaign_customer n
                                              where n.campaign_id = of_campaign) end), 0)
    from mailing g where g.campaign_id = of_campaign
$$;


--
-- Name: cap_today(integer, date, integer, numeric); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.cap_today(per_day integer, warm_up_from date, warm_up_start integer, warm_up_factor numeric) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select least(per_day, case when warm_up_from is not null and warm_up_start is not null then
        -- 64 steps of 1.5 exceed every cap there is, and keep power() inside numeric.
        least(2147483647, floor(warm_up_start * power(coalesce(warm_up_factor, 2.0),
            least(greatest(utc_today() - warm_up_from, 0), 64))))::integer end)
$$;


--
-- Name: domain_rate(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.domain_rate(of_domain text) RETURNS double precision
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select coalesce(sum(p.attempts), 0)::float8
           / extract(epoch from now() - date_trunc('minute', now()) + interval '1 minute')::float8
    from domain_throughput p
    where p.domain = of_domain and p.minute >= date_trunc('minute', now()) - interval '1 minute'
$$;


--
-- Name: folded(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.folded(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(given) = length(given)) THEN casefold((given COLLATE pg_unicode_fast)) ELSE replace(replace(translate(casefold((NORMALIZE(regexp_replace(NORMALIZE(given, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), NFKC) COLLATE pg_unicode_fast)), 'øđłıð'::text, 'odlid'::text), 'æ'::text, 'ae'::text), 'œ'::text, 'oe'::text) END;


--
-- Name: forget_bad_address(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.forget_bad_address() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    delete from bad_address b
    where b.customer_id = old.customer_id and b.address_key = old.address_key
      and not exists (select from customer_address a
                      where a.customer_id = old.customer_id and a.address_key = old.address_key);
    return null;
end $$;


--
-- Name: forget_lifted_address(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.forget_lifted_address() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    delete from bad_address b where b.address_key = new.address_key;
    return null;
end $$;


--
-- Name: handed_off_in_lane(integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.handed_off_in_lane(of_lane integer) RETURNS integer
    LANGUAGE plpgsql STABLE
    AS $$
declare
    found integer := 0;
    piece record;
begin
    for part in 0..1 loop
        for number in 0..1000 loop
            select count(h.lease_owner) as leased, count(h.handed_off_at) as handed_off into piece
            from (select o.lease_owner, o.handed_off_at from outbox o
                  where o.lane_id = of_lane and o.scheduled = (part = 1) and o.due_at <= now()
                  order by o.due_at, o.message_id offset number * 500 limit 500) h;
            exit when piece.leased = 0;
            found := found + piece.handed_off;
        end loop;
    end loop;
    return found;
end $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: destination; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.destination (
    domain text NOT NULL,
    min_interval interval,
    next_permit_at timestamp with time zone,
    per_day integer,
    connections smallint,
    day date,
    day_count integer DEFAULT 0 NOT NULL,
    warm_up_from date,
    warm_up_start integer,
    warm_up_factor numeric(4,2),
    paused_until timestamp with time zone,
    paused_why text,
    pause_step smallint DEFAULT 0 NOT NULL,
    stopped_at timestamp with time zone,
    stopped_why text,
    person_paused_until timestamp with time zone,
    person_paused_why text,
    person_paused_by text,
    CONSTRAINT destination_check CHECK (((paused_until IS NULL) = (paused_why IS NULL))),
    CONSTRAINT destination_check1 CHECK (((stopped_at IS NULL) = (stopped_why IS NULL))),
    CONSTRAINT destination_check2 CHECK ((((person_paused_until IS NULL) = (person_paused_why IS NULL)) AND ((person_paused_until IS NULL) = (person_paused_by IS NULL)))),
    CONSTRAINT destination_connections_check CHECK ((connections > 0)),
    CONSTRAINT destination_min_interval_check CHECK ((min_interval > '00:00:00'::interval)),
    CONSTRAINT destination_per_day_check CHECK ((per_day > 0)),
    CONSTRAINT destination_person_paused_why_check CHECK (((length(person_paused_why) >= 1) AND (length(person_paused_why) <= 500))),
    CONSTRAINT destination_warm_up_factor_check CHECK ((warm_up_factor >= (1)::numeric)),
    CONSTRAINT destination_warm_up_start_check CHECK ((warm_up_start > 0))
);


--
-- Name: is_restricted(public.destination); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.is_restricted(d public.destination) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select d.min_interval is not null or d.per_day is not null or d.warm_up_from is not null
        or d.connections is not null or d.pause_step > 0 or coalesce(d.paused_until > now(), false)
        or coalesce(d.person_paused_until > now(), false) or d.stopped_at is not null
$$;


--
-- Name: ledger_server(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_server(OUT system_identifier bigint, OUT timeline integer) RETURNS record
    LANGUAGE sql
    AS $$
    select (pg_control_system()).system_identifier,
           ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
$$;


--
-- Name: links_of_version(uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.links_of_version(version uuid) RETURNS TABLE(link smallint, same_link smallint, url text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    with links as (
        select distinct on (number) (p.piece ->> 1)::integer as number, (
            select string_agg(case d.part ->> 0 when 'field' then '{{ ' || (d.part ->> 1) || ' }}' else d.part ->> 1 end,
                              '' order by d.place)
            from jsonb_array_elements(p.piece -> 2) with ordinality as d(part, place)
        ) as url
        from template_version v
        cross join lateral jsonb_array_elements(coalesce(v.compiled -> 'html', '[]') || coalesce(v.compiled -> 'text', '[]'))
            as p(piece)
        where v.id = version and p.piece ->> 0 = 'link' and (p.piece ->> 1)::integer between 1 and 32767
        order by number
    )
    select l.number::smallint, (min(l.number) over (partition by l.url))::smallint, l.url from links l
$$;


--
-- Name: moment_key(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.moment_key(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN lpad(to_hex(((EXTRACT(epoch FROM at) * (1000000)::numeric))::bigint), 16, '0'::text);


--
-- Name: name_words(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.name_words(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((' '::text || btrim(regexp_replace((translate(public.folded(given), '''’ʼ'::text, ''::text) COLLATE pg_unicode_fast), '[[:space:][:punct:]]+'::text, ' '::text, 'g'::text))) || ' '::text);


--
-- Name: note_changed_mailing(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_changed_mailing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    -- Locks the row, so that a sampling between this statement and its commit leaves it for the next.
    insert into mailing_changed (mailing_id, shard) values (new.mailing_id, new.shard)
    on conflict (mailing_id, shard) do update set shard = excluded.shard;
    return null;
end $$;


--
-- Name: note_copy_trouble(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_copy_trouble() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform note_trouble(new.customer_id, new.message_id, new.recipient_no, new.status, new.cause, null, new.address,
                         new.decided_at);
    return null;
end $$;


--
-- Name: note_dismissed_message(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_dismissed_message() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into message_change (customer_ids, message_ids) values (array[new.customer_id], array[new.message_id]);
    return null;
end $$;


--
-- Name: note_message(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_message() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into message_change (customer_ids, message_ids) values (array[new.customer_id], array[new.id]);
    return null;
end $$;


--
-- Name: note_message_trouble(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_message_trouble() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if not new.internal then
        perform note_trouble(new.customer_id, new.id, 0::smallint, new.status, new.cause, new.mailing_id,
                             new.recipient, coalesce(new.bounced_at, new.decided_at));
    end if;
    return null;
end $$;


--
-- Name: note_trouble(bigint, uuid, smallint, public.email_status, public.cause, integer, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_trouble(of_customer bigint, of_message uuid, of_recipient smallint, now_is public.email_status, now_because public.cause, of_mailing integer, address text, moment timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if now_is not in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED') then
        delete from message_trouble t
        where t.customer_id = of_customer and t.message_id = of_message and t.recipient_no = of_recipient;
        return;
    end if;
    insert into message_trouble as t (customer_id, message_id, recipient_no, status, cause, mailing_id, held_for, since)
    values (of_customer, of_message, of_recipient, now_is, now_because, of_mailing,
            case when now_is = 'HELD' and now_because = 'SUPPRESSED' then lower(address) end, coalesce(moment, now()))
    on conflict (customer_id, message_id, recipient_no) do update
    set status = excluded.status, cause = excluded.cause, held_for = excluded.held_for,
        since = case when t.status = excluded.status then t.since else excluded.since end,
        dismissed_at = case when t.status = excluded.status then t.dismissed_at end;
end $$;


--
-- Name: percentiles_of(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.percentiles_of(times bigint[]) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
declare
    sorted bigint[];
    total bigint;
    up_to bigint := 0;
    entry bigint;
    median integer;
begin
    select array_agg(t.n * 256 + t.bucket order by t.bucket), sum(t.n) into sorted, total
    from (
        select (u.c & 255)::integer as bucket, sum((u.c >> 8)::integer) as n
        from (select unnest(times) as c) u
        group by 1
    ) t
    where t.n <> 0;
    if sorted is null then
        return null;
    end if;
    foreach entry in array sorted loop
        up_to := up_to + (entry >> 8);
        if median is null and up_to * 2 >= total then
            median := entry & 255;
        end if;
        if up_to * 100 >= total * 95 then
            return array[median, entry & 255];
        end if;
    end loop;
    return null;
end
$$;


--
-- Name: reference_key(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.reference_key(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace((public.folded(given) COLLATE pg_unicode_fast), '[[:space:]\u2010-\u2015\u2212-]'::text, ''::text, 'g'::text);


--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% rows are immutable: publish a new version instead', tg_table_name
        using errcode = 'restrict_violation';
end $$;


--
-- Name: relay_closed_why(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.relay_closed_why(bound text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select case when bool_and(r.stopped_at is not null) then 'The relay is stopped: ' || min(r.stopped_why)
                when bool_and(r.stopped_at is not null
                              or coalesce(greatest(r.paused_until, r.person_paused_until) > now(), false))
                    then 'The relay is paused: ' || coalesce(
                        min(r.person_paused_why) filter (where r.person_paused_until > now()), min(r.paused_why))
                else 'Its turn under the relay''s limit' end
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;


--
-- Name: relay_opens_at(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.relay_opens_at(bound text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    select min(case when r.stopped_at is not null then 'infinity'::timestamptz
                    when greatest(r.paused_until, r.person_paused_until) > now()
                        then greatest(r.paused_until, r.person_paused_until)
                    when sent_today(r.day, r.day_count)
                         >= cap_today(r.per_day, r.warm_up_from, r.warm_up_start, r.warm_up_factor) then utc_tomorrow()
                    -- A permit or two away is a turn in the lane; only a queue at the limit is worth showing.
                    when r.next_permit_at > now() + interval '1 second' then r.next_permit_at
                    else '-infinity'::timestamptz end)
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;


--
-- Name: sent_today(date, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.sent_today(day date, day_count integer) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select case when day = utc_today() then day_count else 0 end $$;


--
-- Name: shown_status(public.email_status, uuid, timestamp with time zone, smallint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.shown_status(decided public.email_status, waiting uuid, handed_off_at timestamp with time zone, attempt smallint) RETURNS public.email_status
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case when waiting is null then decided
                when handed_off_at is not null then 'HANDED_OFF'::email_status
                when attempt > 1 then 'DEFERRED'::email_status
                else 'QUEUED'::email_status end
$$;


--
-- Name: time_bucket(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.time_bucket(ms bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (ms IS NOT NULL) THEN (LEAST((255)::double precision, floor((ln((GREATEST(ms, (1)::bigint))::double precision) / ln((1.1)::double precision)))))::integer ELSE NULL::integer END;


--
-- Name: uncounted_answers(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.uncounted_answers(counted_to timestamp with time zone) RETURNS TABLE(relay text, lane text, cause public.cause, quarter timestamp with time zone, accepted bigint, deferred bigint, refused bigint)
    LANGUAGE sql STABLE
    AS $$
    select g.relay, g.lane, g.cause, g.quarter, g.accepted - coalesce(c.accepted, 0),
           g.deferred - coalesce(c.deferred, 0), g.refused - coalesce(c.refused, 0)
    from (
        select t.relay, null::text as lane, null::cause as cause, t.quarter, sum(t.accepted)::bigint as accepted,
               0::bigint as deferred, 0::bigint as refused
        from relay_tally t where t.quarter >= counted_to - interval '30 minutes' group by t.relay, t.quarter
        union all
        select a.relay, a.lane, a.cause, a.quarter, 0, sum(a.deferred)::bigint, sum(a.refused)::bigint
        from answer_tally a where a.quarter >= counted_to - interval '30 minutes'
        group by a.relay, a.lane, a.cause, a.quarter
    ) g
    left join counted_answers c on c.quarter = g.quarter and c.relay = g.relay and c.lane is not distinct from g.lane
        and c.cause is not distinct from g.cause
    where (g.accepted, g.deferred, g.refused)
          is distinct from (coalesce(c.accepted, 0), coalesce(c.deferred, 0), coalesce(c.refused, 0))
$$;


--
-- Name: utc_today(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.utc_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select (now() at time zone 'utc')::date $$;


--
-- Name: utc_tomorrow(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.utc_tomorrow() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select date_trunc('day', now(), 'UTC') + interval '1 day' $$;


--
-- Name: uuid_at(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.uuid_at(moment timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select (lpad(to_hex(greatest(floor(extract(epoch from moment) * 1000), 0)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;


--
-- Name: message_trouble; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_trouble (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    recipient_no smallint NOT NULL,
    status public.email_status NOT NULL,
    cause public.cause,
    held_for text,
    mailing_id integer,
    since timestamp with time zone DEFAULT now() NOT NULL,
    dismissed_at timestamp with time zone,
    CONSTRAINT message_trouble_check CHECK (((held_for IS NULL) OR ((status = 'HELD'::public.email_status) AND (cause = 'SUPPRESSED'::public.cause)))),
    CONSTRAINT message_trouble_status_check CHECK ((status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status]))),
    CONSTRAINT message_trouble_uncertain_is_decided CHECK (((dismissed_at IS NULL) OR (status <> 'UNCERTAIN'::public.email_status)))
);


--
-- Name: waits_for_person(public.message_trouble); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.waits_for_person(t public.message_trouble) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select t.recipient_no = 0 and t.cause is distinct from 'OPTED_OUT' and t.dismissed_at is null
$$;


--
-- Name: with_times(bigint[], bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.with_times(times bigint[], more bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (more = '{}'::bigint[]) THEN times WHEN ((cardinality(times) + cardinality(more)) > 200) THEN public.add_up_times((times || more)) ELSE (times || more) END;


--
-- Name: all_times(bigint[]); Type: AGGREGATE; Schema: public; Owner: -
--

CREATE AGGREGATE public.all_times(bigint[]) (
    SFUNC = array_cat,
    STYPE = bigint[],
    INITCOND = '{}',
    PARALLEL = safe
);


--
-- Name: address_opt_out; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.address_opt_out (
    address_key bytea NOT NULL,
    kind public.opt_out_kind NOT NULL,
    opted_out_at timestamp with time zone DEFAULT now() NOT NULL,
    source public.opt_out_source NOT NULL,
    actor text NOT NULL,
    customer_id bigint,
    message_id uuid,
    CONSTRAINT address_opt_out_address_key_check CHECK ((length(address_key) = 32))
);


--
-- Name: answer_tally; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.answer_tally (
    relay text NOT NULL,
    lane text NOT NULL,
    cause public.cause,
    quarter timestamp with time zone NOT NULL,
    shard smallint NOT NULL,
    deferred bigint NOT NULL,
    refused bigint NOT NULL
)
WITH (fillfactor='50');


--
-- Name: api_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_token (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    token_sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    inbound_only boolean DEFAULT false NOT NULL,
    content boolean DEFAULT false NOT NULL,
    CONSTRAINT api_token_for_inbound_sees_nothing CHECK ((NOT (content AND inbound_only))),
    CONSTRAINT api_token_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT api_token_token_sha256_check CHECK ((length(token_sha256) = 32))
);


--
-- Name: assigned_report; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.assigned_report (
    inbound_id uuid NOT NULL,
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    reason public.unmatched_reason NOT NULL,
    assigned_at timestamp with time zone DEFAULT now() NOT NULL,
    after_event uuid,
    recipients jsonb NOT NULL,
    engaged boolean NOT NULL,
    unsubscribed boolean NOT NULL,
    complained boolean NOT NULL
);


--
-- Name: attachment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attachment (
    id uuid DEFAULT uuidv7() NOT NULL,
    sha256 bytea NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    uploaded_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    referenced_at timestamp with time zone,
    CONSTRAINT attachment_media_type_check CHECK ((length(media_type) <= 255)),
    CONSTRAINT attachment_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
    CONSTRAINT attachment_size_check CHECK (((size >= 0) AND (size <= 26214400)))
);


--
-- Name: attempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attempt (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    recipient_no smallint DEFAULT 0 NOT NULL,
    number smallint NOT NULL,
    verdict public.verdict NOT NULL,
    cause public.cause,
    advice text,
    rule text,
    stage public.smtp_stage NOT NULL,
    code smallint,
    enhanced text,
    response text,
    relay text NOT NULL,
    host text,
    tls text,
    started_at timestamp with time zone NOT NULL,
    took_ms integer NOT NULL,
    CONSTRAINT attempt_code_check CHECK (((code >= 200) AND (code <= 599))),
    CONSTRAINT attempt_number_check CHECK ((number >= 1)),
    CONSTRAINT attempt_took_ms_check CHECK ((took_ms >= 0))
);


--
-- Name: bad_address; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bad_address (
    id uuid DEFAULT uuidv7() NOT NULL,
    customer_id bigint NOT NULL,
    address_key bytea NOT NULL,
    message_id uuid NOT NULL,
    failed_at timestamp with time zone NOT NULL,
    failing_since timestamp with time zone NOT NULL,
    cause public.cause NOT NULL,
    CONSTRAINT bad_address_address_key_check CHECK ((length(address_key) = 32)),
    CONSTRAINT bad_address_check CHECK ((failing_since <= failed_at))
);


--
-- Name: bulk_action; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bulk_action (
    id integer NOT NULL,
    token_sha256 bytea NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    shown_at timestamp with time zone NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    messages integer NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    customer_ids bigint[] NOT NULL,
    message_ids uuid[] NOT NULL,
    statuses public.email_status[] NOT NULL,
    dealt_with integer DEFAULT 0 NOT NULL,
    carried_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT bulk_action_action_check CHECK ((action = ANY (ARRAY['RETRY'::text, 'RETRY_TO_PRESENT_ADDRESS'::text, 'ASSUME_SENT'::text, 'CANCEL'::text, 'DISMISS'::text]))),
    CONSTRAINT bulk_action_check CHECK (((finished_at IS NOT NULL) = ((done + skipped) = messages))),
    CONSTRAINT bulk_action_check1 CHECK (((cardinality(customer_ids) = cardinality(message_ids)) AND (cardinality(customer_ids) = cardinality(statuses)))),
    CONSTRAINT bulk_action_done_check CHECK ((done >= 0)),
    CONSTRAINT bulk_action_messages_check CHECK (((messages >= 1) AND (messages <= 10000))),
    CONSTRAINT bulk_action_skipped_check CHECK ((skipped >= 0)),
    CONSTRAINT bulk_action_token_sha256_check CHECK ((length(token_sha256) = 32))
);


--
-- Name: bulk_action_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.bulk_action ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.bulk_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: campaign; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign (
    id uuid DEFAULT uuidv7() NOT NULL,
    title text NOT NULL,
    kind public.campaign_kind NOT NULL,
    status public.campaign_status DEFAULT 'DRAFT'::public.campaign_status NOT NULL,
    priority smallint DEFAULT 4 NOT NULL,
    sender_version_id uuid NOT NULL,
    merge_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    tracked boolean DEFAULT true NOT NULL,
    bound_relay text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    launched_at timestamp with time zone,
    finished_at timestamp with time zone,
    repeat public.event_repeat,
    archived_at timestamp with time zone,
    paused_at timestamp with time zone,
    paused_why text,
    CONSTRAINT campaign_check CHECK (((status = 'DRAFT'::public.campaign_status) = (launched_at IS NULL))),
    CONSTRAINT campaign_check1 CHECK (((status = ANY (ARRAY['FINISHED'::public.campaign_status, 'CANCELLED'::public.campaign_status])) = (finished_at IS NOT NULL))),
    CONSTRAINT campaign_is_over_before_it_is_archived CHECK (((archived_at IS NULL) OR (status = ANY (ARRAY['FINISHED'::public.campaign_status, 'CANCELLED'::public.campaign_status])))),
    CONSTRAINT campaign_priority_check CHECK (((priority >= 1) AND (priority <= 7))),
    CONSTRAINT campaign_repeats_for_events CHECK (((kind = 'EVENT_BASED'::public.campaign_kind) = (repeat IS NOT NULL))),
    CONSTRAINT campaign_says_why_it_is_paused CHECK ((((status = 'PAUSED'::public.campaign_status) = (paused_at IS NOT NULL)) AND ((paused_at IS NULL) = (paused_why IS NULL)))),
    CONSTRAINT campaign_title_check CHECK (((length(title) >= 1) AND (length(title) <= 255)))
);


--
-- Name: campaign_customer; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_customer (
    campaign_id uuid CONSTRAINT campaign_audience_campaign_id_not_null NOT NULL,
    "position" integer CONSTRAINT campaign_audience_position_not_null NOT NULL,
    customer_id bigint CONSTRAINT campaign_audience_customer_id_not_null NOT NULL,
    address text,
    merge_data jsonb DEFAULT '{}'::jsonb CONSTRAINT campaign_audience_merge_data_not_null NOT NULL,
    CONSTRAINT campaign_customer_position_check CHECK (("position" >= 1))
);


--
-- Name: campaign_decision; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_decision (
    id integer NOT NULL,
    campaign_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    recipients integer NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    carried_customer bigint DEFAULT 0 NOT NULL,
    carried_message uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT campaign_decision_action_check CHECK ((action = ANY (ARRAY['RETRY'::text, 'RETRY_TO_PRESENT_ADDRESS'::text, 'ASSUME_SENT'::text]))),
    CONSTRAINT campaign_decision_check CHECK (((finished_at IS NOT NULL) = ((done + skipped) = recipients))),
    CONSTRAINT campaign_decision_done_check CHECK ((done >= 0)),
    CONSTRAINT campaign_decision_recipients_check CHECK ((recipients >= 0)),
    CONSTRAINT campaign_decision_skipped_check CHECK ((skipped >= 0))
);


--
-- Name: campaign_decision_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.campaign_decision ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.campaign_decision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: campaign_decision_message; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_decision_message (
    decision_id integer NOT NULL,
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    status public.email_status NOT NULL
);


--
-- Name: campaign_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_event (
    campaign_id uuid NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT campaign_event_action_check CHECK (((length(action) >= 1) AND (length(action) <= 100)))
);


--
-- Name: campaign_list; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_list (
    campaign_id uuid NOT NULL,
    list_id integer NOT NULL,
    excluded boolean DEFAULT false NOT NULL
);


--
-- Name: campaign_trigger; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaign_trigger (
    campaign_id uuid NOT NULL,
    customer_id bigint NOT NULL,
    occurrence text NOT NULL,
    event text NOT NULL,
    idempotency_key text NOT NULL,
    actor text NOT NULL,
    triggered_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT campaign_trigger_event_check CHECK (((length(event) >= 1) AND (length(event) <= 255))),
    CONSTRAINT campaign_trigger_occurrence_check CHECK (((length(occurrence) >= 1) AND (length(occurrence) <= 32)))
);


--
-- Name: lane; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.lane (
    id integer NOT NULL,
    name text NOT NULL,
    campaign_id uuid,
    priority smallint NOT NULL,
    paused_at timestamp with time zone,
    paused_why text,
    mailing_id integer,
    CONSTRAINT lane_check CHECK (((paused_at IS NULL) = (paused_why IS NULL))),
    CONSTRAINT lane_of_a_mailing CHECK (((mailing_id IS NULL) = (campaign_id IS NULL)))
);


--
-- Name: claimable_lane; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.claimable_lane AS
 SELECT l.id,
    l.priority,
    s.scheduled
   FROM (( SELECT lane.id,
            lane.priority
           FROM public.lane
          WHERE (lane.paused_at IS NULL)
          ORDER BY lane.priority, lane.id
         LIMIT 5000) l
     CROSS JOIN ( VALUES (true), (false)) s(scheduled));


--
-- Name: consent_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.consent_event (
    id uuid DEFAULT uuidv7() NOT NULL,
    customer_id bigint,
    address_key bytea,
    kind public.opt_out_kind NOT NULL,
    opted_out boolean NOT NULL,
    source public.opt_out_source NOT NULL,
    actor text NOT NULL,
    message_id uuid
);


--
-- Name: content; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.content (
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    encoding text NOT NULL,
    bytes bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT content_encoding_check CHECK ((encoding = ANY (ARRAY['identity'::text, 'zlib'::text]))),
    CONSTRAINT content_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT content_size_check CHECK ((size >= 0))
);
ALTER TABLE ONLY public.content ALTER COLUMN bytes SET STORAGE EXTERNAL;


--
-- Name: copy; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.copy (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    recipient_no smallint NOT NULL,
    role public.copy_role NOT NULL,
    address text NOT NULL,
    name text,
    status public.email_status DEFAULT 'QUEUED'::public.email_status NOT NULL,
    decided_at timestamp with time zone,
    sent_at timestamp with time zone,
    cause public.cause,
    advice text,
    CONSTRAINT copy_check CHECK (((status = 'QUEUED'::public.email_status) = (decided_at IS NULL))),
    CONSTRAINT copy_recipient_no_check CHECK (((recipient_no >= 1) AND (recipient_no <= 100))),
    CONSTRAINT copy_status_check CHECK ((status <> ALL (ARRAY['HANDED_OFF'::public.email_status, 'DEFERRED'::public.email_status, 'RECEIVED'::public.email_status])))
);


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    recipient_no smallint DEFAULT 0 NOT NULL,
    lane_id integer NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    scheduled boolean DEFAULT false NOT NULL,
    rate_counted boolean DEFAULT false NOT NULL,
    address text NOT NULL,
    address_key bytea NOT NULL,
    domain text NOT NULL,
    attempt smallint DEFAULT 1 NOT NULL,
    retry_once boolean DEFAULT false NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    lease_owner uuid,
    lease_until timestamp with time zone,
    handed_off_at timestamp with time zone,
    opt_out_kind public.opt_out_kind,
    bound_relay text,
    CONSTRAINT outbox_attempt_check CHECK ((attempt >= 1)),
    CONSTRAINT outbox_check CHECK (((lease_owner IS NULL) = (lease_until IS NULL))),
    CONSTRAINT outbox_check1 CHECK (((handed_off_at IS NULL) OR (lease_owner IS NOT NULL)))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000', autovacuum_vacuum_cost_delay='0', vacuum_truncate=off);


--
-- Name: copy_state; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.copy_state AS
 SELECT c.customer_id,
    c.message_id,
    c.recipient_no,
    public.shown_status(c.status, o.message_id, o.handed_off_at, o.attempt) AS status
   FROM (public.copy c
     LEFT JOIN public.outbox o ON (((o.customer_id = c.customer_id) AND (o.message_id = c.message_id) AND (o.recipient_no = c.recipient_no))));


--
-- Name: counted_answers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.counted_answers (
    relay text NOT NULL,
    lane text,
    cause public.cause,
    quarter timestamp with time zone NOT NULL,
    accepted bigint NOT NULL,
    deferred bigint NOT NULL,
    refused bigint NOT NULL
);


--
-- Name: customer; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customer (
    id bigint NOT NULL,
    external_ref text NOT NULL,
    name text,
    locale text,
    time_zone text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone,
    name_words text GENERATED ALWAYS AS (public.name_words(name)) STORED,
    reference_key text GENERATED ALWAYS AS (public.reference_key(external_ref)) STORED,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT customer_attributes_are_an_object CHECK ((jsonb_typeof(attributes) = 'object'::text)),
    CONSTRAINT customer_external_ref_check CHECK (((length(external_ref) >= 1) AND (length(external_ref) <= 255))),
    CONSTRAINT customer_has_few_tags CHECK ((cardinality(tags) <= 100)),
    CONSTRAINT customer_locale_check CHECK ((length(locale) <= 35)),
    CONSTRAINT customer_name_check CHECK ((length(name) <= 500)),
    CONSTRAINT customer_time_zone_check CHECK ((length(time_zone) <= 64))
);


--
-- Name: customer_address; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customer_address (
    customer_id bigint NOT NULL,
    "position" smallint NOT NULL,
    address text NOT NULL,
    address_key bytea NOT NULL,
    CONSTRAINT customer_address_address_check CHECK (((length(address) >= 3) AND (length(address) <= 320))),
    CONSTRAINT customer_address_address_key_check CHECK ((length(address_key) = 32)),
    CONSTRAINT customer_address_position_check CHECK (("position" >= 0))
);


--
-- Name: customer_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.customer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.customer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: customer_import; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customer_import (
    id uuid DEFAULT uuidv7() NOT NULL,
    status public.import_status,
    file_name text NOT NULL,
    file_bytes bigint NOT NULL,
    file_kept boolean DEFAULT true NOT NULL,
    encoding text,
    delimiter text,
    columns jsonb DEFAULT '[]'::jsonb NOT NULL,
    list_id integer,
    dry_run boolean DEFAULT true NOT NULL,
    body_at bigint DEFAULT 0 NOT NULL,
    body_line integer DEFAULT 2 NOT NULL,
    next_at bigint DEFAULT 0 NOT NULL,
    next_line integer DEFAULT 2 NOT NULL,
    scanned integer DEFAULT 0 NOT NULL,
    read integer DEFAULT 0 NOT NULL,
    total integer,
    created integer DEFAULT 0 NOT NULL,
    updated integer DEFAULT 0 NOT NULL,
    unchanged integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    actor text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    stepped_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT customer_import_check CHECK ((((status IS NULL) OR (status = ANY (ARRAY['UPLOADED'::public.import_status, 'RUNNING'::public.import_status]))) = (finished_at IS NULL))),
    CONSTRAINT customer_import_check1 CHECK ((read = (((created + updated) + unchanged) + failed))),
    CONSTRAINT customer_import_check2 CHECK (((status IS NULL) OR ((encoding IS NOT NULL) AND (delimiter IS NOT NULL)))),
    CONSTRAINT customer_import_columns_check CHECK ((jsonb_typeof(columns) = 'array'::text)),
    CONSTRAINT customer_import_delimiter_check CHECK ((length(delimiter) = 1)),
    CONSTRAINT customer_import_encoding_check CHECK ((length(encoding) <= 20)),
    CONSTRAINT customer_import_file_bytes_check CHECK ((file_bytes >= 0)),
    CONSTRAINT customer_import_file_name_check CHECK (((length(file_name) >= 1) AND (length(file_name) <= 255)))
);


--
-- Name: customer_latest; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customer_latest (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02');


--
-- Name: customer_list; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customer_list (
    id integer NOT NULL,
    name text NOT NULL,
    kind public.list_kind NOT NULL,
    criteria jsonb,
    grows_on text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    member_count bigint,
    count_precision public.count_precision,
    counted_at timestamp with time zone,
    recount_at timestamp with time zone,
    CONSTRAINT customer_list_check CHECK (((kind = 'DYNAMIC'::public.list_kind) = (criteria IS NOT NULL))),
    CONSTRAINT customer_list_check1 CHECK (((kind = 'FIXED'::public.list_kind) OR (grows_on = '{}'::text[]))),
    CONSTRAINT customer_list_counts_dynamic_ones CHECK (((kind = 'DYNAMIC'::public.list_kind) OR (num_nonnulls(counted_at, recount_at) = 0))),
    CONSTRAINT customer_list_criteria_check CHECK ((jsonb_typeof(criteria) = 'object'::text)),
    CONSTRAINT customer_list_is_counted_whole CHECK ((num_nulls(member_count, count_precision, counted_at) = ANY (ARRAY[0, 3]))),
    CONSTRAINT customer_list_member_count_check CHECK ((member_count >= 0)),
    CONSTRAINT customer_list_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);


--
-- Name: customer_list_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.customer_list ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.customer_list_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: customer_watch; Type: TABLE; Schema: public; Owner: -
--

CREATE UNLOGGED TABLE public.customer_watch (
    customer_id bigint NOT NULL,
    watcher uuid NOT NULL,
    watched_until timestamp with time zone NOT NULL
);


--
-- Name: delivery_report; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.delivery_report (
    customer_id bigint NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    recipient_no smallint NOT NULL,
    attempt smallint,
    action public.report_action NOT NULL,
    verified boolean NOT NULL,
    matched_by public.matched_by NOT NULL,
    recipient text,
    status_code text,
    code smallint,
    words text,
    reported_by text,
    host text,
    cause public.cause,
    advice text,
    rule text,
    inbound_id uuid,
    report_key bytea,
    CONSTRAINT delivery_report_attempt_check CHECK ((attempt >= 1)),
    CONSTRAINT delivery_report_code_check CHECK (((code >= 200) AND (code <= 599))),
    CONSTRAINT delivery_report_report_key_check CHECK ((length(report_key) = 32)),
    CONSTRAINT delivery_report_words_check CHECK ((length(words) <= 65536))
);


--
-- Name: domain_connection_lease; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.domain_connection_lease (
    domain text NOT NULL,
    worker uuid NOT NULL,
    connections integer NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    CONSTRAINT domain_connection_lease_connections_check CHECK ((connections >= 0))
);


--
-- Name: domain_month_progress; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.domain_month_progress (
    only_row boolean DEFAULT true NOT NULL,
    day date NOT NULL,
    domain_no integer NOT NULL,
    added_at timestamp with time zone NOT NULL,
    CONSTRAINT domain_month_progress_only_row_check CHECK (only_row)
);


--
-- Name: domain_month_statistics; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.domain_month_statistics (
    month date NOT NULL,
    domain_no integer,
    cause public.cause,
    sent integer NOT NULL,
    accepted integer NOT NULL,
    deferred integer NOT NULL,
    refused integer NOT NULL,
    bounced integer NOT NULL,
    complained integer NOT NULL,
    opened integer NOT NULL,
    clicked integer NOT NULL,
    received integer NOT NULL,
    times bigint[] NOT NULL
)
WITH (fillfactor='70');


--
-- Name: domain_statistics; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.domain_statistics (
    day date NOT NULL,
    domain_no integer,
    cause public.cause,
    sent integer NOT NULL,
    accepted integer NOT NULL,
    deferred integer NOT NULL,
    refused integer NOT NULL,
    bounced integer NOT NULL,
    complained integer NOT NULL,
    opened integer NOT NULL,
    clicked integer NOT NULL,
    received integer NOT NULL,
    times bigint[] NOT NULL
)
WITH (fillfactor='70');


--
-- Name: domain_throughput; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.domain_throughput (
    domain text NOT NULL,
    worker uuid NOT NULL,
    minute timestamp with time zone NOT NULL,
    attempts bigint NOT NULL,
    CONSTRAINT domain_throughput_attempts_check CHECK ((attempts >= 0))
);


--
-- Name: event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.event (
    customer_id bigint NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    message_id uuid NOT NULL,
    recipient_no smallint DEFAULT 0 NOT NULL,
    kind public.event_kind NOT NULL,
    actor text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
);


--
-- Name: gateway_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gateway_history (
    only_row boolean DEFAULT true NOT NULL,
    written_to timestamp with time zone NOT NULL,
    CONSTRAINT gateway_history_only_row_check CHECK (only_row)
);


--
-- Name: gateway_minute; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gateway_minute (
    minute timestamp with time zone NOT NULL
);


--
-- Name: gateway_minute_answers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gateway_minute_answers (
    minute timestamp with time zone NOT NULL,
    relay text NOT NULL,
    lane text,
    cause public.cause,
    accepted bigint NOT NULL,
    deferred bigint NOT NULL,
    refused bigint NOT NULL
);


--
-- Name: gateway_minute_lane; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gateway_minute_lane (
    minute timestamp with time zone NOT NULL,
    lane text NOT NULL,
    depth bigint NOT NULL,
    oldest_seconds bigint NOT NULL,
    attempts bigint NOT NULL,
    CONSTRAINT gateway_minute_lane_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT gateway_minute_lane_depth_check CHECK ((depth >= 0)),
    CONSTRAINT gateway_minute_lane_oldest_seconds_check CHECK ((oldest_seconds >= 0))
);


--
-- Name: hit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hit (
    customer_id bigint NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    message_id uuid NOT NULL,
    kind public.hit_kind NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    link smallint,
    url text,
    origin text,
    agent text,
    head boolean DEFAULT false NOT NULL,
    prefetch boolean DEFAULT false NOT NULL,
    honeypot boolean DEFAULT false NOT NULL,
    verdict public.hit_verdict DEFAULT 'UNKNOWN'::public.hit_verdict NOT NULL,
    reasons public.hit_reason[] DEFAULT '{}'::public.hit_reason[] NOT NULL,
    rules_version smallint DEFAULT 0 NOT NULL,
    look_again_at timestamp with time zone,
    CONSTRAINT hit_check CHECK (((kind = 'CLICK'::public.hit_kind) = (url IS NOT NULL)))
)
WITH (autovacuum_vacuum_scale_factor='0.02');


--
-- Name: idempotency_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_key (
    key text NOT NULL,
    input_sha256 bytea NOT NULL,
    customer_id bigint,
    message_id uuid,
    campaign_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    mailing_id integer,
    CONSTRAINT idempotency_key_check CHECK (((message_id IS NULL) <> (campaign_id IS NULL))),
    CONSTRAINT idempotency_key_check1 CHECK (((customer_id IS NULL) = (message_id IS NULL))),
    CONSTRAINT idempotency_key_input_sha256_check CHECK ((length(input_sha256) = 32)),
    CONSTRAINT idempotency_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);


--
-- Name: imap_folder; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.imap_folder (
    name text NOT NULL,
    uid_validity bigint NOT NULL,
    last_uid bigint NOT NULL
);


--
-- Name: import_chunk; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.import_chunk (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT import_chunk_number_check CHECK ((number >= 0))
);
ALTER TABLE ONLY public.import_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;


--
-- Name: import_error; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.import_error (
    import_id uuid NOT NULL,
    line integer NOT NULL,
    number smallint NOT NULL,
    heading text,
    code text NOT NULL,
    message text NOT NULL,
    line_values jsonb,
    CONSTRAINT import_error_line_values_check CHECK ((jsonb_typeof(line_values) = 'array'::text))
);


--
-- Name: inbound_listener; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.inbound_listener (
    source public.inbound_source NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: inbound_mail; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.inbound_mail (
    id uuid DEFAULT uuidv7() NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    source public.inbound_source NOT NULL,
    envelope_from text,
    envelope_to text,
    content_sha256 bytea,
    size bigint NOT NULL,
    read_at timestamp with time zone,
    tries smallint DEFAULT 0 NOT NULL,
    kind public.inbound_kind,
    unmatched public.unmatched_reason,
    matched_by public.matched_by,
    customer_id bigint,
    message_id uuid,
    from_address text,
    subject text,
    excerpt text,
    dismissed_at timestamp with time zone,
    dismissed_by text,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT inbound_mail_check CHECK (((message_id IS NULL) = (customer_id IS NULL))),
    CONSTRAINT inbound_mail_check1 CHECK (((customer_id IS NULL) = (matched_by IS NULL))),
    CONSTRAINT inbound_mail_check2 CHECK (((unmatched IS NULL) OR (customer_id IS NULL))),
    CONSTRAINT inbound_mail_check3 CHECK (((kind IS NULL) OR (read_at IS NOT NULL))),
    CONSTRAINT inbound_mail_check4 CHECK (((dismissed_at IS NULL) = (dismissed_by IS NULL))),
    CONSTRAINT inbound_mail_excerpt_check CHECK ((length(excerpt) <= 500)),
    CONSTRAINT inbound_mail_size_check CHECK ((size >= 0)),
    CONSTRAINT inbound_mail_tries_check CHECK ((tries >= 0))
);


--
-- Name: lane_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.lane ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.lane_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: lane_throughput; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.lane_throughput (
    lane_id integer NOT NULL,
    worker uuid NOT NULL,
    minute timestamp with time zone NOT NULL,
    attempts bigint NOT NULL,
    CONSTRAINT lane_throughput_attempts_check CHECK ((attempts >= 0))
);


--
-- Name: ledger; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger (
    only_row boolean DEFAULT true NOT NULL,
    id uuid,
    "position" bigint DEFAULT 0 NOT NULL,
    noted_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT ledger_only_row_check CHECK (only_row)
);


--
-- Name: ledger_era; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_era (
    id uuid DEFAULT uuidv7() NOT NULL,
    first bigint NOT NULL,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    system_identifier bigint NOT NULL,
    timeline integer NOT NULL
);


--
-- Name: ledger_restore; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_restore (
    id integer NOT NULL,
    actor text NOT NULL,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    ledger_id uuid,
    uncertain bigint DEFAULT 0 NOT NULL,
    made bigint DEFAULT 0 NOT NULL,
    campaigns_paused integer DEFAULT 0 NOT NULL,
    retries_called_off integer DEFAULT 0 NOT NULL,
    CONSTRAINT ledger_restore_campaigns_paused_check CHECK ((campaigns_paused >= 0)),
    CONSTRAINT ledger_restore_made_check CHECK ((made >= 0)),
    CONSTRAINT ledger_restore_retries_called_off_check CHECK ((retries_called_off >= 0)),
    CONSTRAINT ledger_restore_uncertain_check CHECK ((uncertain >= 0))
);


--
-- Name: ledger_restore_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ledger_restore ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_restore_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: lifted_suppression; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.lifted_suppression (
    id uuid NOT NULL,
    address_key bytea NOT NULL,
    reason public.suppression_reason NOT NULL,
    scope public.suppression_scope NOT NULL,
    since timestamp with time zone NOT NULL,
    actor text NOT NULL,
    why text,
    address text,
    customer_id bigint,
    message_id uuid,
    lifted_at timestamp with time zone DEFAULT now() NOT NULL,
    lifted_by text NOT NULL,
    lifted_why text NOT NULL,
    CONSTRAINT lifted_suppression_address_key_check CHECK ((length(address_key) = 32)),
    CONSTRAINT lifted_suppression_lifted_why_check CHECK (((length(lifted_why) >= 1) AND (length(lifted_why) <= 500)))
);


--
-- Name: list_member; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.list_member (
    list_id integer NOT NULL,
    customer_id bigint NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL
);


--
-- Name: login_link; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.login_link (
    link_sha256 bytea NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    content boolean DEFAULT false NOT NULL,
    read_only boolean DEFAULT false NOT NULL,
    CONSTRAINT login_link_link_sha256_check CHECK ((length(link_sha256) = 32))
);


--
-- Name: mail_statistics; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mail_statistics (
    rollup text NOT NULL COLLATE pg_catalog."C",
    span text NOT NULL COLLATE pg_catalog."C",
    starts_at timestamp with time zone NOT NULL,
    source_type public.source_type,
    cause public.cause,
    relay_no integer,
    sender_no integer,
    campaign_id uuid,
    sent integer NOT NULL,
    accepted integer NOT NULL,
    deferred integer NOT NULL,
    refused integer NOT NULL,
    bounced integer NOT NULL,
    complained integer NOT NULL,
    opened integer NOT NULL,
    clicked integer NOT NULL,
    received integer NOT NULL,
    times bigint[] NOT NULL,
    percentiles integer[],
    CONSTRAINT mail_statistics_rollup_check CHECK ((rollup = ANY (ARRAY['all'::text, 'mail'::text, 'source'::text, 'cause'::text, 'relay'::text, 'sender'::text, 'campaign'::text]))),
    CONSTRAINT mail_statistics_span_check CHECK ((span = ANY (ARRAY['hour'::text, 'day'::text, 'month'::text])))
)
WITH (fillfactor='70');


--
-- Name: mailing; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing (
    id integer NOT NULL,
    campaign_id uuid NOT NULL,
    number smallint NOT NULL,
    status public.mailing_status DEFAULT 'DRAFT'::public.mailing_status NOT NULL,
    template_version_id uuid NOT NULL,
    subject text,
    merge_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    send_at timestamp with time zone,
    local_time timestamp without time zone,
    after_days integer,
    after_minutes integer,
    not_before time without time zone,
    not_opened_mailing_id integer,
    due_at timestamp with time zone,
    frozen_to bigint DEFAULT 0 NOT NULL,
    frozen_at timestamp with time zone,
    recipients integer DEFAULT 0 NOT NULL,
    left_out integer DEFAULT 0 NOT NULL,
    expanded_due timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    expanded_to bigint DEFAULT 0 NOT NULL,
    expanded integer DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone,
    events integer DEFAULT 0 NOT NULL,
    CONSTRAINT mailing_after_days_check CHECK ((after_days >= 0)),
    CONSTRAINT mailing_after_minutes_check CHECK ((after_minutes >= 0)),
    CONSTRAINT mailing_check CHECK ((num_nonnulls(send_at, local_time, after_days) <= 1)),
    CONSTRAINT mailing_check1 CHECK (((after_days IS NULL) = (after_minutes IS NULL))),
    CONSTRAINT mailing_check2 CHECK (((not_before IS NULL) OR (after_days IS NOT NULL))),
    CONSTRAINT mailing_check3 CHECK (((status = ANY (ARRAY['FINISHED'::public.mailing_status, 'CANCELLED'::public.mailing_status])) = (finished_at IS NOT NULL))),
    CONSTRAINT mailing_events_check CHECK ((events >= 0)),
    CONSTRAINT mailing_expanded_check CHECK ((expanded >= 0)),
    CONSTRAINT mailing_left_out_check CHECK ((left_out >= 0)),
    CONSTRAINT mailing_number_check CHECK ((number >= 1)),
    CONSTRAINT mailing_recipients_check CHECK ((recipients >= 0)),
    CONSTRAINT mailing_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 998)))
);


--
-- Name: mailing_changed; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_changed (
    mailing_id integer NOT NULL,
    shard smallint NOT NULL
);


--
-- Name: mailing_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.mailing ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mailing_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: mailing_left_out; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_left_out (
    mailing_id integer NOT NULL,
    customer_id bigint NOT NULL,
    occurrence text DEFAULT ''::text NOT NULL,
    reason public.left_out_reason NOT NULL
);


--
-- Name: mailing_link; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_link (
    mailing_id integer NOT NULL,
    link smallint NOT NULL,
    same_link smallint NOT NULL,
    url text NOT NULL,
    clicks bigint DEFAULT 0 NOT NULL,
    people bigint DEFAULT 0 NOT NULL
);


--
-- Name: mailing_recipient; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_recipient (
    mailing_id integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    customer_id bigint NOT NULL,
    occurrence text DEFAULT ''::text NOT NULL,
    address text,
    address_key bytea,
    merge_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT mailing_recipient_address_key_check CHECK ((length(address_key) = 32))
);


--
-- Name: mailing_sample; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_sample (
    mailing_id integer NOT NULL,
    minute timestamp with time zone NOT NULL,
    accepted bigint NOT NULL,
    refused bigint NOT NULL,
    bounced bigint NOT NULL,
    opened bigint NOT NULL,
    clicked bigint NOT NULL,
    unsubscribed bigint NOT NULL,
    decided bigint NOT NULL
);


--
-- Name: mailing_tally; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_tally (
    mailing_id integer NOT NULL,
    shard smallint NOT NULL,
    made bigint DEFAULT 0 NOT NULL,
    accepted bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    bounced bigint DEFAULT 0 NOT NULL,
    uncertain bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    expired bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    left_out_opted_out bigint DEFAULT 0 NOT NULL,
    left_out_suppressed bigint DEFAULT 0 NOT NULL,
    left_out_no_address bigint DEFAULT 0 NOT NULL,
    left_out_duplicate_address bigint DEFAULT 0 NOT NULL,
    left_out_erased bigint DEFAULT 0 NOT NULL,
    left_out_merge_field_missing bigint DEFAULT 0 NOT NULL,
    opened bigint DEFAULT 0 NOT NULL,
    opened_unsure bigint DEFAULT 0 NOT NULL,
    clicked bigint DEFAULT 0 NOT NULL,
    machine_only bigint DEFAULT 0 NOT NULL,
    unsubscribed bigint DEFAULT 0 NOT NULL,
    complained bigint DEFAULT 0 NOT NULL,
    replied bigint DEFAULT 0 NOT NULL,
    CONSTRAINT mailing_tally_shard_check CHECK (((shard >= 0) AND (shard <= 15)))
)
WITH (fillfactor='10');


--
-- Name: mailing_words; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailing_words (
    mailing_id integer NOT NULL,
    words tsvector NOT NULL
);


--
-- Name: message; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message (
    customer_id bigint NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    direction public.direction DEFAULT 'SENT'::public.direction NOT NULL,
    source_type public.source_type,
    status public.email_status DEFAULT 'QUEUED'::public.email_status NOT NULL,
    campaign_id uuid,
    occurrence text DEFAULT ''::text NOT NULL,
    template_version_id uuid,
    sender_version_id uuid,
    letter_kind text,
    mail_date timestamp with time zone DEFAULT now() NOT NULL,
    decided_at timestamp with time zone,
    sent_at timestamp with time zone,
    bounced_at timestamp with time zone,
    opened_at timestamp with time zone,
    cause public.cause,
    advice text,
    sender text,
    recipient text,
    recipient_key bytea,
    recipient_name text,
    subject text,
    merge_data jsonb,
    content_sha256 bytea,
    mail_sha256 bytea,
    composer_version smallint DEFAULT 1 NOT NULL,
    token_key_id text,
    tracked boolean DEFAULT false NOT NULL,
    answers_message_id uuid,
    bound_relay text,
    internal boolean DEFAULT false NOT NULL,
    mailing_id integer,
    reference text,
    CONSTRAINT message_check CHECK (((status = 'RECEIVED'::public.email_status) = (direction = 'RECEIVED'::public.direction))),
    CONSTRAINT message_check1 CHECK (((status = 'QUEUED'::public.email_status) = (decided_at IS NULL))),
    CONSTRAINT message_check2 CHECK (((status <> ALL (ARRAY['ACCEPTED'::public.email_status, 'BOUNCED'::public.email_status])) OR (sent_at IS NOT NULL))),
    CONSTRAINT message_check3 CHECK (((status = 'BOUNCED'::public.email_status) <= (bounced_at IS NOT NULL))),
    CONSTRAINT message_check5 CHECK (((campaign_id IS NOT NULL) = ((NOT (source_type IS DISTINCT FROM 'CAMPAIGN'::public.source_type)) AND (direction = 'SENT'::public.direction)))),
    CONSTRAINT message_has_its_source CHECK (((direction = 'RECEIVED'::public.direction) OR internal OR ((source_type IS NOT NULL) AND (template_version_id IS NOT NULL) AND (sender_version_id IS NOT NULL)))),
    CONSTRAINT message_internal_is_apart CHECK (((NOT internal) OR ((direction = 'SENT'::public.direction) AND (source_type IS NULL) AND (NOT tracked)))),
    CONSTRAINT message_keeps_whom_it_went_to CHECK (((num_nonnulls(recipient, recipient_key) > 0) OR (direction = 'RECEIVED'::public.direction))),
    CONSTRAINT message_mail_sha256_check CHECK ((length(mail_sha256) = 32)),
    CONSTRAINT message_of_a_mailing CHECK (((mailing_id IS NULL) = (campaign_id IS NULL))),
    CONSTRAINT message_recipient_key_check CHECK ((length(recipient_key) = 32)),
    CONSTRAINT message_says_who_sent_it CHECK (((sender IS NOT NULL) OR (direction = 'RECEIVED'::public.direction))),
    CONSTRAINT message_status_check CHECK ((status <> ALL (ARRAY['HANDED_OFF'::public.email_status, 'DEFERRED'::public.email_status])))
)
WITH (fillfactor='45', autovacuum_vacuum_scale_factor='0.02');


--
-- Name: message_attachment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_attachment (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    "position" smallint NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea,
    part integer,
    part_sha256 bytea,
    CONSTRAINT message_attachment_is_stored_once CHECK ((num_nonnulls(part, sha256) = 1)),
    CONSTRAINT message_attachment_part_check CHECK ((part >= 0)),
    CONSTRAINT message_attachment_part_is_hashed CHECK (((part_sha256 IS NULL) OR (part IS NOT NULL))),
    CONSTRAINT message_attachment_part_sha256_check CHECK ((length(part_sha256) = 32)),
    CONSTRAINT message_attachment_position_check CHECK (("position" >= 0))
);


--
-- Name: message_change; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_change (
    id bigint NOT NULL,
    noted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    customer_ids bigint[] NOT NULL,
    message_ids uuid[] NOT NULL,
    CONSTRAINT message_change_check CHECK (((cardinality(customer_ids) = cardinality(message_ids)) AND (cardinality(message_ids) > 0)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='20000', vacuum_truncate=off);
ALTER TABLE ONLY public.message_change ALTER COLUMN customer_ids SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.message_change ALTER COLUMN message_ids SET STORAGE EXTERNAL;


--
-- Name: message_change_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.message_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.message_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: message_engagement; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_engagement (
    mailing_id integer NOT NULL,
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    opened boolean DEFAULT false NOT NULL,
    opened_unsure boolean DEFAULT false NOT NULL,
    machine_only boolean DEFAULT false NOT NULL,
    clicked boolean DEFAULT false NOT NULL,
    unsubscribed boolean DEFAULT false NOT NULL,
    complained boolean DEFAULT false NOT NULL,
    replied boolean DEFAULT false NOT NULL,
    CONSTRAINT message_engagement_check CHECK (((((opened)::integer + (opened_unsure)::integer) + (machine_only)::integer) <= 1)),
    CONSTRAINT message_engagement_check1 CHECK ((opened OR (NOT clicked)))
)
WITH (autovacuum_vacuum_scale_factor='0.02');


--
-- Name: message_search; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_search (
    id uuid NOT NULL,
    customer_id bigint NOT NULL,
    slice integer NOT NULL,
    mailing_id integer,
    domain_no integer,
    address_hash bigint,
    sender_no integer,
    relay_no integer,
    source_type public.source_type,
    direction public.direction NOT NULL,
    status public.email_status NOT NULL,
    cause public.cause,
    tracked boolean NOT NULL,
    opened boolean DEFAULT false NOT NULL,
    clicked boolean DEFAULT false NOT NULL,
    complained boolean DEFAULT false NOT NULL,
    deferrals smallint DEFAULT 0 NOT NULL,
    took_ms bigint,
    words tsvector
)
WITH (fillfactor='90', autovacuum_vacuum_scale_factor='0.02');


--
-- Name: message_state; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.message_state AS
 SELECT m.customer_id,
    m.id,
    public.shown_status(m.status, o.message_id, o.handed_off_at, o.attempt) AS status,
    o.due_at,
    o.attempt AS next_attempt,
    o.expires_at,
    o.lane_id,
    o.domain
   FROM (public.message m
     LEFT JOIN public.outbox o ON (((o.customer_id = m.customer_id) AND (o.message_id = m.id) AND (o.recipient_no = 0))));


--
-- Name: message_wait; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.message_wait AS
 SELECT o.customer_id,
    o.message_id AS id,
        CASE
            WHEN ((o.lease_until > now()) OR (l.paused_at IS NOT NULL) OR (d.stopped_at IS NOT NULL) OR (d.person_paused_until = 'infinity'::timestamp with time zone) OR (public.relay_opens_at(o.bound_relay) = 'infinity'::timestamp with time zone)) THEN NULL::timestamp with time zone
            ELSE GREATEST(o.due_at, d.paused_until, d.person_paused_until, NULLIF(public.relay_opens_at(o.bound_relay), '-infinity'::timestamp with time zone))
        END AS next_attempt_at,
        CASE
            WHEN (o.handed_off_at IS NOT NULL) THEN 'The mail server''s answer'::text
            WHEN (o.lease_until > now()) THEN 'A free connection'::text
            WHEN (l.paused_at IS NOT NULL) THEN ('The lane is paused: '::text || l.paused_why)
            WHEN (d.stopped_at IS NOT NULL) THEN ('The destination is stopped: '::text || d.stopped_why)
            WHEN (d.person_paused_until > now()) THEN ('The destination is paused: '::text || d.person_paused_why)
            WHEN (d.paused_until > now()) THEN ('The destination is paused: '::text || d.paused_why)
            WHEN (public.relay_opens_at(o.bound_relay) > now()) THEN public.relay_closed_why(o.bound_relay)
            WHEN ((o.due_at > now()) AND (o.attempt > 1) AND (NOT o.rate_counted)) THEN 'The next attempt'::text
            WHEN ((o.due_at > now()) AND o.scheduled) THEN 'Its turn under the destination''s limit'::text
            WHEN (o.attempt > 1) THEN 'The next attempt'::text
            ELSE 'Its turn in the lane'::text
        END AS waits_for
   FROM ((public.outbox o
     LEFT JOIN public.lane l ON ((l.id = o.lane_id)))
     LEFT JOIN public.destination d ON ((d.domain = o.domain)))
  WHERE (o.recipient_no = 0);


--
-- Name: opt_out; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.opt_out (
    customer_id bigint NOT NULL,
    kind public.opt_out_kind NOT NULL,
    opted_out_at timestamp with time zone DEFAULT now() NOT NULL,
    source public.opt_out_source NOT NULL,
    actor text NOT NULL
);


--
-- Name: outbox_scan; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_scan (
    only_row boolean DEFAULT true NOT NULL,
    scanned_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT outbox_scan_only_row_check CHECK (only_row)
);


--
-- Name: put_off; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.put_off (
    work text NOT NULL,
    id bigint NOT NULL,
    failures smallint DEFAULT 1 NOT NULL,
    until timestamp with time zone NOT NULL,
    error text NOT NULL,
    CONSTRAINT put_off_work_check CHECK ((work = ANY (ARRAY['MAILING'::text, 'DECISION'::text, 'BULK_ACTION'::text])))
);


--
-- Name: received_mail; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.received_mail (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    inbound_id uuid,
    from_address text,
    from_name text,
    author public.author_kind NOT NULL,
    body text NOT NULL,
    quoted text,
    cut boolean DEFAULT false NOT NULL,
    automatic boolean NOT NULL,
    authentication text,
    more_attachments integer DEFAULT 0 NOT NULL,
    forwarded_at timestamp with time zone,
    forwarded_message_id uuid,
    fingerprint bytea,
    CONSTRAINT received_mail_body_check CHECK ((octet_length(body) <= 262144)),
    CONSTRAINT received_mail_check CHECK (((forwarded_at IS NULL) = (forwarded_message_id IS NULL))),
    CONSTRAINT received_mail_fingerprint_check CHECK ((length(fingerprint) = 32)),
    CONSTRAINT received_mail_more_attachments_check CHECK ((more_attachments >= 0))
);


--
-- Name: refusal_run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refusal_run (
    of_relay boolean NOT NULL,
    place text NOT NULL,
    words text NOT NULL,
    address_keys bytea[] NOT NULL,
    domains text[] NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT refusal_run_words_check CHECK ((length(words) <= 350))
);


--
-- Name: relay; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.relay (
    name text NOT NULL,
    min_interval interval,
    next_permit_at timestamp with time zone,
    per_day integer,
    day date,
    day_count integer DEFAULT 0 NOT NULL,
    warm_up_from date,
    warm_up_start integer,
    warm_up_factor numeric(4,2),
    paused_until timestamp with time zone,
    paused_why text,
    pause_step smallint DEFAULT 0 NOT NULL,
    stopped_at timestamp with time zone,
    stopped_why text,
    seen_at timestamp with time zone,
    person_paused_until timestamp with time zone,
    person_paused_why text,
    person_paused_by text,
    limited_by text,
    limited_at timestamp with time zone,
    configured_min_interval interval,
    configured_per_day integer,
    configured_warm_up_start integer,
    configured_warm_up_factor numeric(4,2),
    CONSTRAINT relay_check CHECK (((paused_until IS NULL) = (paused_why IS NULL))),
    CONSTRAINT relay_check1 CHECK (((stopped_at IS NULL) = (stopped_why IS NULL))),
    CONSTRAINT relay_check2 CHECK ((((person_paused_until IS NULL) = (person_paused_why IS NULL)) AND ((person_paused_until IS NULL) = (person_paused_by IS NULL)))),
    CONSTRAINT relay_check3 CHECK (((limited_by IS NULL) = (limited_at IS NULL))),
    CONSTRAINT relay_min_interval_check CHECK ((min_interval > '00:00:00'::interval)),
    CONSTRAINT relay_per_day_check CHECK ((per_day > 0)),
    CONSTRAINT relay_person_paused_why_check CHECK (((length(person_paused_why) >= 1) AND (length(person_paused_why) <= 500))),
    CONSTRAINT relay_warm_up_factor_check CHECK ((warm_up_factor >= (1)::numeric)),
    CONSTRAINT relay_warm_up_start_check CHECK ((warm_up_start > 0))
);


--
-- Name: relay_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.relay_event (
    id uuid DEFAULT uuidv7() NOT NULL,
    relay text,
    domain text,
    kind public.relay_event_kind NOT NULL,
    stage public.smtp_stage,
    code smallint,
    response text,
    until timestamp with time zone,
    actor text,
    CONSTRAINT relay_event_check CHECK (((relay IS NOT NULL) OR (domain IS NOT NULL)))
);


--
-- Name: relay_tally; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.relay_tally (
    relay text NOT NULL,
    quarter timestamp with time zone NOT NULL,
    shard smallint NOT NULL,
    accepted bigint NOT NULL
)
WITH (fillfactor='50');


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);


--
-- Name: search_backfill; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.search_backfill (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL
);


--
-- Name: search_name; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.search_name (
    no integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    CONSTRAINT search_name_kind_check CHECK ((kind = ANY (ARRAY['DOMAIN'::text, 'RELAY'::text, 'SENDER'::text])))
);


--
-- Name: search_name_no_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.search_name ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.search_name_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: search_parked; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.search_parked (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    failures smallint DEFAULT 1 NOT NULL,
    until timestamp with time zone NOT NULL,
    error text NOT NULL
);


--
-- Name: search_slice; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.search_slice (
    no integer NOT NULL,
    first_id uuid NOT NULL,
    rows integer DEFAULT 0 NOT NULL
);


--
-- Name: search_slice_no_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.search_slice ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.search_slice_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sender; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sender (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sender_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);


--
-- Name: sender_dns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sender_dns (
    sender_id uuid NOT NULL,
    domain text NOT NULL,
    settings text NOT NULL,
    in_use boolean NOT NULL,
    checked_at timestamp with time zone,
    ready boolean,
    records jsonb DEFAULT '[]'::jsonb NOT NULL,
    due_at timestamp with time zone NOT NULL,
    asking_until timestamp with time zone,
    CONSTRAINT sender_dns_check CHECK (((checked_at IS NOT NULL) OR (ready IS NULL)))
);


--
-- Name: sender_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sender_version (
    id uuid DEFAULT uuidv7() NOT NULL,
    sender_id uuid NOT NULL,
    number integer NOT NULL,
    from_name text,
    from_address text NOT NULL,
    reply_to text,
    signature text,
    postal_address text,
    locale text DEFAULT 'en'::text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    track_replies boolean DEFAULT false NOT NULL,
    forward_replies_to text,
    CONSTRAINT sender_version_forward_replies_to_check CHECK (((length(forward_replies_to) >= 3) AND (length(forward_replies_to) <= 320))),
    CONSTRAINT sender_version_from_address_check CHECK (((length(from_address) >= 3) AND (length(from_address) <= 320))),
    CONSTRAINT sender_version_from_name_check CHECK ((length(from_name) <= 255)),
    CONSTRAINT sender_version_number_check CHECK ((number >= 1)),
    CONSTRAINT sender_version_postal_address_check CHECK ((length(postal_address) <= 500)),
    CONSTRAINT sender_version_reply_to_check CHECK ((length(reply_to) <= 320)),
    CONSTRAINT sender_version_signature_check CHECK ((length(signature) <= 2000))
);


--
-- Name: session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.session (
    session_sha256 bytea NOT NULL,
    csrf_sha256 bytea NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    content boolean DEFAULT false NOT NULL,
    read_only boolean DEFAULT false NOT NULL,
    CONSTRAINT session_csrf_sha256_check CHECK ((length(csrf_sha256) = 32)),
    CONSTRAINT session_session_sha256_check CHECK ((length(session_sha256) = 32))
);


--
-- Name: suppression; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.suppression (
    address_key bytea NOT NULL,
    reason public.suppression_reason NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    customer_id bigint,
    message_id uuid,
    id uuid DEFAULT uuidv7() NOT NULL,
    scope public.suppression_scope DEFAULT 'ALL_MAIL'::public.suppression_scope NOT NULL,
    why text,
    address text,
    CONSTRAINT suppression_address_check CHECK (((length(address) >= 3) AND (length(address) <= 320))),
    CONSTRAINT suppression_address_key_check CHECK ((length(address_key) = 32)),
    CONSTRAINT suppression_why_check CHECK (((length(why) >= 1) AND (length(why) <= 500)))
);


--
-- Name: template; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.template (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    source_type public.source_type NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT template_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);


--
-- Name: template_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.template_version (
    id uuid DEFAULT uuidv7() NOT NULL,
    template_id uuid NOT NULL,
    number integer NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    subject text NOT NULL,
    source jsonb NOT NULL,
    compiled jsonb NOT NULL,
    fields text[] DEFAULT '{}'::text[] NOT NULL,
    links integer DEFAULT 0 NOT NULL,
    has_unsubscribe boolean NOT NULL,
    preview_subject text NOT NULL,
    preview_html text NOT NULL,
    preview_text text NOT NULL,
    source_sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text,
    CONSTRAINT template_version_links_check CHECK (((links >= 0) AND (links <= 1000))),
    CONSTRAINT template_version_number_check CHECK ((number >= 1)),
    CONSTRAINT template_version_source_sha256_check CHECK ((length(source_sha256) = 32)),
    CONSTRAINT template_version_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 998)))
);


--
-- Name: test_email; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.test_email (
    customer_id bigint NOT NULL,
    message_id uuid NOT NULL,
    mailing_id integer,
    first_message_id uuid NOT NULL,
    place smallint NOT NULL,
    actor text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT test_email_place_check CHECK (((place >= 0) AND (place <= 4)))
);


--
-- Name: triggered_recipient; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.triggered_recipient (
    mailing_id integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    customer_id bigint NOT NULL,
    occurrence text NOT NULL
);


--
-- Name: undone_assignment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.undone_assignment (
    id uuid DEFAULT uuidv7() NOT NULL,
    inbound_id uuid NOT NULL,
    customer_id bigint NOT NULL,
    assigned_by text NOT NULL,
    actor text NOT NULL
);


--
-- Name: work_order; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.work_order (
    customer_id bigint NOT NULL,
    number text NOT NULL,
    sequence integer NOT NULL,
    CONSTRAINT work_order_sequence_check CHECK ((sequence >= 0))
);


--
-- Name: address_opt_out address_opt_out_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.address_opt_out
    ADD CONSTRAINT address_opt_out_pkey PRIMARY KEY (address_key, kind);


--
-- Name: answer_tally answer_tally_quarter_relay_lane_cause_shard_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.answer_tally
    ADD CONSTRAINT answer_tally_quarter_relay_lane_cause_shard_key UNIQUE NULLS NOT DISTINCT (quarter, relay, lane, cause, shard);


--
-- Name: api_token api_token_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (id);


--
-- Name: api_token api_token_token_sha256_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_token_sha256_key UNIQUE (token_sha256);


--
-- Name: assigned_report assigned_report_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.assigned_report
    ADD CONSTRAINT assigned_report_pkey PRIMARY KEY (inbound_id);


--
-- Name: attachment attachment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_pkey PRIMARY KEY (id);


--
-- Name: attempt attempt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (message_id, customer_id, recipient_no, number);


--
-- Name: bad_address bad_address_customer_id_address_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bad_address
    ADD CONSTRAINT bad_address_customer_id_address_key_key UNIQUE (customer_id, address_key);


--
-- Name: bad_address bad_address_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bad_address
    ADD CONSTRAINT bad_address_pkey PRIMARY KEY (id);


--
-- Name: bulk_action bulk_action_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bulk_action
    ADD CONSTRAINT bulk_action_pkey PRIMARY KEY (id);


--
-- Name: bulk_action bulk_action_token_sha256_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bulk_action
    ADD CONSTRAINT bulk_action_token_sha256_key UNIQUE (token_sha256);


--
-- Name: campaign_customer campaign_customer_campaign_id_customer_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_customer
    ADD CONSTRAINT campaign_customer_campaign_id_customer_id_key UNIQUE (campaign_id, customer_id);


--
-- Name: campaign_customer campaign_customer_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_customer
    ADD CONSTRAINT campaign_customer_pkey PRIMARY KEY (campaign_id, "position");


--
-- Name: campaign_decision campaign_decision_idempotency_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_decision
    ADD CONSTRAINT campaign_decision_idempotency_key_key UNIQUE (idempotency_key);


--
-- Name: campaign_decision_message campaign_decision_message_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_decision_message
    ADD CONSTRAINT campaign_decision_message_pkey PRIMARY KEY (decision_id, customer_id, message_id);


--
-- Name: campaign_decision campaign_decision_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_decision
    ADD CONSTRAINT campaign_decision_pkey PRIMARY KEY (id);


--
-- Name: campaign_event campaign_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_event
    ADD CONSTRAINT campaign_event_pkey PRIMARY KEY (campaign_id, id);


--
-- Name: campaign_list campaign_list_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_list
    ADD CONSTRAINT campaign_list_pkey PRIMARY KEY (campaign_id, list_id);


--
-- Name: campaign campaign_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (id);


--
-- Name: campaign_trigger campaign_trigger_idempotency_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_trigger
    ADD CONSTRAINT campaign_trigger_idempotency_key_key UNIQUE (idempotency_key);


--
-- Name: campaign_trigger campaign_trigger_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_trigger
    ADD CONSTRAINT campaign_trigger_pkey PRIMARY KEY (campaign_id, customer_id, occurrence);


--
-- Name: consent_event consent_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.consent_event
    ADD CONSTRAINT consent_event_pkey PRIMARY KEY (id);


--
-- Name: content content_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.content
    ADD CONSTRAINT content_pkey PRIMARY KEY (sha256);


--
-- Name: copy copy_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.copy
    ADD CONSTRAINT copy_pkey PRIMARY KEY (customer_id, message_id, recipient_no);


--
-- Name: counted_answers counted_answers_quarter_relay_lane_cause_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.counted_answers
    ADD CONSTRAINT counted_answers_quarter_relay_lane_cause_key UNIQUE NULLS NOT DISTINCT (quarter, relay, lane, cause);


--
-- Name: customer_address customer_address_customer_id_address_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_address
    ADD CONSTRAINT customer_address_customer_id_address_key UNIQUE (customer_id, address);


--
-- Name: customer_address customer_address_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_address
    ADD CONSTRAINT customer_address_pkey PRIMARY KEY (customer_id, "position");


--
-- Name: customer customer_external_ref_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer
    ADD CONSTRAINT customer_external_ref_key UNIQUE (external_ref);


--
-- Name: customer_import customer_import_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_import
    ADD CONSTRAINT customer_import_pkey PRIMARY KEY (id);


--
-- Name: customer_latest customer_latest_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_latest
    ADD CONSTRAINT customer_latest_pkey PRIMARY KEY (customer_id);


--
-- Name: customer_list customer_list_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_list
    ADD CONSTRAINT customer_list_name_key UNIQUE (name);


--
-- Name: customer_list customer_list_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_list
    ADD CONSTRAINT customer_list_pkey PRIMARY KEY (id);


--
-- Name: customer customer_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (id);


--
-- Name: customer_watch customer_watch_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_watch
    ADD CONSTRAINT customer_watch_pkey PRIMARY KEY (customer_id, watcher);


--
-- Name: delivery_report delivery_report_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.delivery_report
    ADD CONSTRAINT delivery_report_pkey PRIMARY KEY (customer_id, id);


--
-- Name: destination destination_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.destination
    ADD CONSTRAINT destination_pkey PRIMARY KEY (domain);


--
-- Name: domain_connection_lease domain_connection_lease_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.domain_connection_lease
    ADD CONSTRAINT domain_connection_lease_pkey PRIMARY KEY (domain, worker);


--
-- Name: domain_month_progress domain_month_progress_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.domain_month_progress
    ADD CONSTRAINT domain_month_progress_pkey PRIMARY KEY (only_row);


--
-- Name: domain_month_statistics domain_month_statistics_month_domain_no_cause_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.domain_month_statistics
    ADD CONSTRAINT domain_month_statistics_month_domain_no_cause_key UNIQUE NULLS NOT DISTINCT (month, domain_no, cause);


--
-- Name: domain_statistics domain_statistics_day_domain_no_cause_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.domain_statistics
    ADD CONSTRAINT domain_statistics_day_domain_no_cause_key UNIQUE NULLS NOT DISTINCT (day, domain_no, cause);


--
-- Name: domain_throughput domain_throughput_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.domain_throughput
    ADD CONSTRAINT domain_throughput_pkey PRIMARY KEY (domain, worker, minute);


--
-- Name: event event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (customer_id, id);


--
-- Name: gateway_history gateway_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gateway_history
    ADD CONSTRAINT gateway_history_pkey PRIMARY KEY (only_row);


--
-- Name: gateway_minute_answers gateway_minute_answers_minute_relay_lane_cause_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gateway_minute_answers
    ADD CONSTRAINT gateway_minute_answers_minute_relay_lane_cause_key UNIQUE NULLS NOT DISTINCT (minute, relay, lane, cause);


--
-- Name: gateway_minute_lane gateway_minute_lane_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gateway_minute_lane
    ADD CONSTRAINT gateway_minute_lane_pkey PRIMARY KEY (minute, lane);


--
-- Name: gateway_minute gateway_minute_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gateway_minute
    ADD CONSTRAINT gateway_minute_pkey PRIMARY KEY (minute);


--
-- Name: hit hit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hit
    ADD CONSTRAINT hit_pkey PRIMARY KEY (customer_id, id);


--
-- Name: idempotency_key idempotency_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (key);


--
-- Name: imap_folder imap_folder_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imap_folder
    ADD CONSTRAINT imap_folder_pkey PRIMARY KEY (name);


--
-- Name: import_chunk import_chunk_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_chunk
    ADD CONSTRAINT import_chunk_pkey PRIMARY KEY (import_id, number);


--
-- Name: import_error import_error_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_error
    ADD CONSTRAINT import_error_pkey PRIMARY KEY (import_id, line, number);


--
-- Name: inbound_listener inbound_listener_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inbound_listener
    ADD CONSTRAINT inbound_listener_pkey PRIMARY KEY (source);


--
-- Name: inbound_mail inbound_mail_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inbound_mail
    ADD CONSTRAINT inbound_mail_pkey PRIMARY KEY (id);


--
-- Name: lane lane_mailing_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_mailing_id_key UNIQUE (mailing_id);


--
-- Name: lane lane_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_name_key UNIQUE (name);


--
-- Name: lane lane_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (id);


--
-- Name: lane_throughput lane_throughput_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lane_throughput
    ADD CONSTRAINT lane_throughput_pkey PRIMARY KEY (lane_id, worker, minute);


--
-- Name: ledger_era ledger_era_first_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_era
    ADD CONSTRAINT ledger_era_first_key UNIQUE (first);


--
-- Name: ledger_era ledger_era_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_era
    ADD CONSTRAINT ledger_era_pkey PRIMARY KEY (id);


--
-- Name: ledger ledger_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (only_row);


--
-- Name: ledger_restore ledger_restore_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_restore
    ADD CONSTRAINT ledger_restore_pkey PRIMARY KEY (id);


--
-- Name: lifted_suppression lifted_suppression_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lifted_suppression
    ADD CONSTRAINT lifted_suppression_pkey PRIMARY KEY (id);


--
-- Name: list_member list_member_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.list_member
    ADD CONSTRAINT list_member_pkey PRIMARY KEY (list_id, customer_id);


--
-- Name: login_link login_link_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_link
    ADD CONSTRAINT login_link_pkey PRIMARY KEY (link_sha256);


--
-- Name: mail_statistics mail_statistics_rollup_span_starts_at_source_type_cause_rel_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mail_statistics
    ADD CONSTRAINT mail_statistics_rollup_span_starts_at_source_type_cause_rel_key UNIQUE NULLS NOT DISTINCT (rollup, span, starts_at, source_type, cause, relay_no, sender_no, campaign_id);


--
-- Name: mailing mailing_campaign_id_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing
    ADD CONSTRAINT mailing_campaign_id_number_key UNIQUE (campaign_id, number);


--
-- Name: mailing_changed mailing_changed_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_changed
    ADD CONSTRAINT mailing_changed_pkey PRIMARY KEY (mailing_id, shard);


--
-- Name: mailing_left_out mailing_left_out_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_left_out
    ADD CONSTRAINT mailing_left_out_pkey PRIMARY KEY (mailing_id, customer_id, occurrence);


--
-- Name: mailing_link mailing_link_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_link
    ADD CONSTRAINT mailing_link_pkey PRIMARY KEY (mailing_id, link);


--
-- Name: mailing mailing_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing
    ADD CONSTRAINT mailing_pkey PRIMARY KEY (id);


--
-- Name: mailing_recipient mailing_recipient_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_recipient
    ADD CONSTRAINT mailing_recipient_pkey PRIMARY KEY (mailing_id, due_at, customer_id, occurrence);


--
-- Name: mailing_sample mailing_sample_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_sample
    ADD CONSTRAINT mailing_sample_pkey PRIMARY KEY (mailing_id, minute);


--
-- Name: mailing_tally mailing_tally_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_tally
    ADD CONSTRAINT mailing_tally_pkey PRIMARY KEY (mailing_id, shard);


--
-- Name: mailing_words mailing_words_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_words
    ADD CONSTRAINT mailing_words_pkey PRIMARY KEY (mailing_id);


--
-- Name: message_attachment message_attachment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_attachment
    ADD CONSTRAINT message_attachment_pkey PRIMARY KEY (customer_id, message_id, "position");


--
-- Name: message_change message_change_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_change
    ADD CONSTRAINT message_change_pkey PRIMARY KEY (id);


--
-- Name: message_engagement message_engagement_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_engagement
    ADD CONSTRAINT message_engagement_pkey PRIMARY KEY (mailing_id, customer_id, message_id);


--
-- Name: message message_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (customer_id, id);


--
-- Name: message_search message_search_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_search
    ADD CONSTRAINT message_search_pkey PRIMARY KEY (id);


--
-- Name: message_trouble message_trouble_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_trouble
    ADD CONSTRAINT message_trouble_pkey PRIMARY KEY (customer_id, message_id, recipient_no);


--
-- Name: opt_out opt_out_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.opt_out
    ADD CONSTRAINT opt_out_pkey PRIMARY KEY (customer_id, kind);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (customer_id, message_id, recipient_no);


--
-- Name: outbox_scan outbox_scan_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_scan
    ADD CONSTRAINT outbox_scan_pkey PRIMARY KEY (only_row);


--
-- Name: put_off put_off_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.put_off
    ADD CONSTRAINT put_off_pkey PRIMARY KEY (work, id);


--
-- Name: received_mail received_mail_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.received_mail
    ADD CONSTRAINT received_mail_pkey PRIMARY KEY (customer_id, message_id);


--
-- Name: refusal_run refusal_run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refusal_run
    ADD CONSTRAINT refusal_run_pkey PRIMARY KEY (of_relay, place, words);


--
-- Name: relay_event relay_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.relay_event
    ADD CONSTRAINT relay_event_pkey PRIMARY KEY (id);


--
-- Name: relay relay_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.relay
    ADD CONSTRAINT relay_pkey PRIMARY KEY (name);


--
-- Name: relay_tally relay_tally_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.relay_tally
    ADD CONSTRAINT relay_tally_pkey PRIMARY KEY (relay, quarter, shard);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: search_name search_name_kind_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_name
    ADD CONSTRAINT search_name_kind_name_key UNIQUE (kind, name);


--
-- Name: search_name search_name_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_name
    ADD CONSTRAINT search_name_pkey PRIMARY KEY (no);


--
-- Name: search_parked search_parked_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_parked
    ADD CONSTRAINT search_parked_pkey PRIMARY KEY (customer_id, message_id);


--
-- Name: search_slice search_slice_first_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_slice
    ADD CONSTRAINT search_slice_first_id_key UNIQUE (first_id);


--
-- Name: search_slice search_slice_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_slice
    ADD CONSTRAINT search_slice_pkey PRIMARY KEY (no);


--
-- Name: sender_dns sender_dns_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender_dns
    ADD CONSTRAINT sender_dns_pkey PRIMARY KEY (sender_id);


--
-- Name: sender sender_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender
    ADD CONSTRAINT sender_name_key UNIQUE (name);


--
-- Name: sender sender_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender
    ADD CONSTRAINT sender_pkey PRIMARY KEY (id);


--
-- Name: sender_version sender_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender_version
    ADD CONSTRAINT sender_version_pkey PRIMARY KEY (id);


--
-- Name: sender_version sender_version_sender_id_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender_version
    ADD CONSTRAINT sender_version_sender_id_number_key UNIQUE (sender_id, number);


--
-- Name: session session_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (session_sha256);


--
-- Name: suppression suppression_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.suppression
    ADD CONSTRAINT suppression_pkey PRIMARY KEY (address_key);


--
-- Name: template template_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.template
    ADD CONSTRAINT template_name_key UNIQUE (name);


--
-- Name: template template_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.template
    ADD CONSTRAINT template_pkey PRIMARY KEY (id);


--
-- Name: template_version template_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.template_version
    ADD CONSTRAINT template_version_pkey PRIMARY KEY (id);


--
-- Name: template_version template_version_template_id_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.template_version
    ADD CONSTRAINT template_version_template_id_number_key UNIQUE (template_id, number);


--
-- Name: test_email test_email_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.test_email
    ADD CONSTRAINT test_email_pkey PRIMARY KEY (customer_id, message_id);


--
-- Name: triggered_recipient triggered_recipient_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.triggered_recipient
    ADD CONSTRAINT triggered_recipient_pkey PRIMARY KEY (mailing_id, due_at, customer_id, occurrence);


--
-- Name: undone_assignment undone_assignment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.undone_assignment
    ADD CONSTRAINT undone_assignment_pkey PRIMARY KEY (id);


--
-- Name: work_order work_order_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.work_order
    ADD CONSTRAINT work_order_pkey PRIMARY KEY (customer_id, number);


--
-- Name: api_token_living_name; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX api_token_living_name ON public.api_token USING btree (name) WHERE (revoked_at IS NULL);


--
-- Name: assigned_report_of_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX assigned_report_of_message ON public.assigned_report USING btree (customer_id, message_id);


--
-- Name: attachment_of_content; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attachment_of_content ON public.attachment USING btree (sha256);


--
-- Name: attachment_unreferenced; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attachment_unreferenced ON public.attachment USING btree (created_at) WHERE (referenced_at IS NULL);


--
-- Name: bad_address_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bad_address_by_key ON public.bad_address USING btree (address_key);


--
-- Name: bad_address_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bad_address_newest ON public.bad_address USING btree (failed_at, id);


--
-- Name: bad_address_of_cause; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bad_address_of_cause ON public.bad_address USING btree (cause, failed_at, id);


--
-- Name: bulk_action_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bulk_action_open ON public.bulk_action USING btree (id) WHERE (finished_at IS NULL);


--
-- Name: campaign_decision_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaign_decision_open ON public.campaign_decision USING btree (id) WHERE (finished_at IS NULL);


--
-- Name: campaign_list_of_list; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaign_list_of_list ON public.campaign_list USING btree (list_id);


--
-- Name: campaign_under_way; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX campaign_under_way ON public.campaign USING btree (id) WHERE (status = ANY (ARRAY['RUNNING'::public.campaign_status, 'PAUSED'::public.campaign_status]));


--
-- Name: consent_event_of_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX consent_event_of_customer ON public.consent_event USING btree (customer_id, id);


--
-- Name: customer_address_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_address_by_key ON public.customer_address USING btree (address_key);


--
-- Name: customer_address_trigram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_address_trigram ON public.customer_address USING gin (address public.gin_trgm_ops);


--
-- Name: customer_import_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_import_running ON public.customer_import USING btree (stepped_at) WHERE (status = 'RUNNING'::public.import_status);


--
-- Name: customer_import_with_file; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_import_with_file ON public.customer_import USING btree (id) WHERE file_kept;


--
-- Name: customer_latest_by_mail; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_latest_by_mail ON public.customer_latest USING btree (message_id, customer_id);


--
-- Name: customer_name_words_trigram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_name_words_trigram ON public.customer USING gin (name_words public.gin_trgm_ops);


--
-- Name: customer_reference_key_trigram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_reference_key_trigram ON public.customer USING gin (reference_key public.gin_trgm_ops);


--
-- Name: customer_tags; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customer_tags ON public.customer USING gin (tags);


--
-- Name: delivery_report_of_mail; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX delivery_report_of_mail ON public.delivery_report USING btree (inbound_id) WHERE (inbound_id IS NOT NULL);


--
-- Name: delivery_report_of_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX delivery_report_of_message ON public.delivery_report USING btree (customer_id, message_id, recipient_no, id);


--
-- Name: delivery_report_once; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX delivery_report_once ON public.delivery_report USING btree (customer_id, message_id, report_key);


--
-- Name: destination_paused_by_person_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX destination_paused_by_person_idx ON public.destination USING btree (person_paused_until) WHERE (person_paused_until IS NOT NULL);


--
-- Name: event_of_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_of_message ON public.event USING btree (customer_id, message_id, id);


--
-- Name: event_settled; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_settled ON public.event USING btree (id) WHERE ((actor <> 'gateway'::text) AND (kind = ANY (ARRAY['RETRIED'::public.event_kind, 'ASSUMED_SENT'::public.event_kind, 'RELEASED'::public.event_kind, 'READDRESSED'::public.event_kind, 'CANCELLED'::public.event_kind, 'DISMISSED'::public.event_kind, 'SUPPRESSION_LIFTED'::public.event_kind, 'ASSIGNED'::public.event_kind, 'REPORT_BELIEVED'::public.event_kind])));


--
-- Name: hit_clicks; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_clicks ON public.hit USING btree (customer_id, id) WHERE (kind = 'CLICK'::public.hit_kind);


--
-- Name: hit_clicks_of_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_clicks_of_message ON public.hit USING btree (message_id, customer_id, id) WHERE (kind = 'CLICK'::public.hit_kind);


--
-- Name: hit_clicks_of_people; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_clicks_of_people ON public.hit USING btree (customer_id, id) WHERE ((kind = 'CLICK'::public.hit_kind) AND (verdict <> 'MACHINE'::public.hit_verdict));


--
-- Name: hit_of_machines_in_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_of_machines_in_message ON public.hit USING btree (message_id, customer_id, id) WHERE (verdict = 'MACHINE'::public.hit_verdict);


--
-- Name: hit_of_people_in_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_of_people_in_message ON public.hit USING btree (message_id, customer_id, kind, id) WHERE (verdict <> 'MACHINE'::public.hit_verdict);


--
-- Name: hit_origin; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_origin ON public.hit USING btree (origin, id) WHERE (origin IS NOT NULL);


--
-- Name: hit_to_look_at_again; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_to_look_at_again ON public.hit USING btree (look_again_at) WHERE (look_again_at IS NOT NULL);


--
-- Name: hit_unclassified; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hit_unclassified ON public.hit USING btree (id) WHERE (rules_version = 0);


--
-- Name: idempotency_key_of_campaign; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_key_of_campaign ON public.idempotency_key USING btree (campaign_id) WHERE (campaign_id IS NOT NULL);


--
-- Name: idempotency_key_of_mailing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_key_of_mailing ON public.idempotency_key USING btree (mailing_id) WHERE (mailing_id IS NOT NULL);


--
-- Name: inbound_mail_nobodys; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX inbound_mail_nobodys ON public.inbound_mail USING btree (id) INCLUDE (size) WHERE (unmatched IS NOT NULL);


--
-- Name: inbound_mail_of_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX inbound_mail_of_message ON public.inbound_mail USING btree (customer_id, message_id) WHERE (customer_id IS NOT NULL);


--
-- Name: inbound_mail_once; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX inbound_mail_once ON public.inbound_mail USING btree (content_sha256, COALESCE(envelope_to, ''::text));


--
-- Name: inbound_mail_unmatched; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX inbound_mail_unmatched ON public.inbound_mail USING btree (id) WHERE ((unmatched IS NOT NULL) AND (dismissed_at IS NULL));


--
-- Name: inbound_mail_unread; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX inbound_mail_unread ON public.inbound_mail USING btree (due_at, id) WHERE (read_at IS NULL);


--
-- Name: lane_of_campaign; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX lane_of_campaign ON public.lane USING btree (campaign_id) WHERE (campaign_id IS NOT NULL);


--
-- Name: ledger_restore_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ledger_restore_open ON public.ledger_restore USING btree ((true)) WHERE (finished_at IS NULL);


--
-- Name: lifted_suppression_address_trigram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX lifted_suppression_address_trigram ON public.lifted_suppression USING gin (address public.gin_trgm_ops);


--
-- Name: lifted_suppression_of_address; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX lifted_suppression_of_address ON public.lifted_suppression USING btree (address_key, id);


--
-- Name: list_member_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX list_member_newest ON public.list_member USING btree (list_id, added_at, customer_id);


--
-- Name: list_member_of_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX list_member_of_customer ON public.list_member USING btree (customer_id, list_id);


--
-- Name: mailing_left_out_for; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX mailing_left_out_for ON public.mailing_left_out USING btree (mailing_id, reason, customer_id, occurrence);


--
-- Name: mailing_left_out_of_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX mailing_left_out_of_customer ON public.mailing_left_out USING btree (customer_id, mailing_id);


--
-- Name: mailing_of_template; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX mailing_of_template ON public.mailing USING btree (template_version_id);


--
-- Name: mailing_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX mailing_open ON public.mailing USING btree (campaign_id) WHERE (status = ANY (ARRAY['SCHEDULED'::public.mailing_status, 'FREEZING'::public.mailing_status, 'RUNNING'::public.mailing_status]));


--
-- Name: mailing_recipient_of_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX mailing_recipient_of_customer ON public.mailing_recipient USING btree (customer_id, mailing_id, occurrence);


--
-- Name: mailing_recipient_once_an_address; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX mailing_recipient_once_an_address ON public.mailing_recipient USING btree (mailing_id, address_key) WHERE (occurrence = ''::text);


--
-- Name: mailing_sample_of_minute; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX mailing_sample_of_minute ON public.mailing_sample USING btree (minute);


--
-- Name: mailing_words_words; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX mailing_words_words ON public.mailing_words USING gin (words);


--
-- Name: message_attachment_of_content; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_attachment_of_content ON public.message_attachment USING btree (sha256);


--
-- Name: message_by_source; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_by_source ON public.message USING btree (customer_id, direction, source_type, id) WHERE (campaign_id IS NULL);


--
-- Name: message_engagement_clicked; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_engagement_clicked ON public.message_engagement USING btree (mailing_id, customer_id, message_id) WHERE clicked;


--
-- Name: message_of_content; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_of_content ON public.message USING btree (content_sha256) WHERE (content_sha256 IS NOT NULL);


--
-- Name: message_once_a_mailing; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX message_once_a_mailing ON public.message USING btree (mailing_id, customer_id, occurrence) WHERE (mailing_id IS NOT NULL);


--
-- Name: message_search_clicked; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_clicked ON public.message_search USING btree (id) WHERE clicked;


--
-- Name: message_search_of_address; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_address ON public.message_search USING btree (address_hash, id);


--
-- Name: message_search_of_cause; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_cause ON public.message_search USING btree (cause, id) WHERE (cause IS NOT NULL);


--
-- Name: message_search_of_domain; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_domain ON public.message_search USING btree (domain_no, id);


--
-- Name: message_search_of_mailing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_mailing ON public.message_search USING btree (mailing_id, id) WHERE (mailing_id IS NOT NULL);


--
-- Name: message_search_of_relay; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_relay ON public.message_search USING btree (relay_no, id) WHERE (relay_no IS NOT NULL);


--
-- Name: message_search_of_sender; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_sender ON public.message_search USING btree (sender_no, id) WHERE (sender_no IS NOT NULL);


--
-- Name: message_search_of_source; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_source ON public.message_search USING btree (source_type, id) WHERE (source_type <> 'CAMPAIGN'::public.source_type);


--
-- Name: message_search_of_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_of_status ON public.message_search USING btree (status, id) WHERE (status <> 'ACCEPTED'::public.email_status);


--
-- Name: message_search_received; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_received ON public.message_search USING btree (id) WHERE (direction = 'RECEIVED'::public.direction);


--
-- Name: message_search_words; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search_words ON public.message_search USING gin (slice, mailing_id, domain_no, sender_no, words) WITH (fastupdate='on');


--
-- Name: message_sent_list; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_sent_list ON public.message USING btree (customer_id, id) WHERE (campaign_id IS NOT NULL);


--
-- Name: message_trouble_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_failed ON public.message_trouble USING btree (since, message_id) WHERE ((recipient_no = 0) AND (dismissed_at IS NULL) AND (status = ANY (ARRAY['REFUSED'::public.email_status, 'BOUNCED'::public.email_status, 'EXPIRED'::public.email_status])) AND (mailing_id IS NULL) AND ((cause IS NULL) OR (cause <> ALL (ARRAY['OPTED_OUT'::public.cause, 'BAD_ADDRESS'::public.cause, 'BAD_DOMAIN'::public.cause, 'MAILBOX_FULL'::public.cause, 'INACTIVE'::public.cause]))));


--
-- Name: message_trouble_held; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_held ON public.message_trouble USING btree (since, message_id) WHERE ((recipient_no = 0) AND (cause IS DISTINCT FROM 'OPTED_OUT'::public.cause) AND (dismissed_at IS NULL) AND (status = 'HELD'::public.email_status) AND (mailing_id IS NULL));


--
-- Name: message_trouble_held_for; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_held_for ON public.message_trouble USING btree (held_for) WHERE (held_for IS NOT NULL);


--
-- Name: message_trouble_needs_attention; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_needs_attention ON public.message_trouble USING btree (customer_id) WHERE ((recipient_no = 0) AND (cause IS DISTINCT FROM 'OPTED_OUT'::public.cause) AND (dismissed_at IS NULL));


--
-- Name: message_trouble_of_mailing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_of_mailing ON public.message_trouble USING btree (mailing_id, status, customer_id) WHERE (mailing_id IS NOT NULL);


--
-- Name: message_trouble_to_mend; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_to_mend ON public.message_trouble USING btree (mailing_id) WHERE ((mailing_id IS NOT NULL) AND (recipient_no = 0) AND (dismissed_at IS NULL) AND (status <> 'UNCERTAIN'::public.email_status) AND ((cause IS NULL) OR (cause <> ALL (ARRAY['OPTED_OUT'::public.cause, 'SUPPRESSED'::public.cause, 'BAD_ADDRESS'::public.cause, 'BAD_DOMAIN'::public.cause]))));


--
-- Name: message_trouble_uncertain; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_trouble_uncertain ON public.message_trouble USING btree (since, message_id) WHERE ((recipient_no = 0) AND (status = 'UNCERTAIN'::public.email_status));


--
-- Name: outbox_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_due ON public.outbox USING btree (lane_id, scheduled, due_at, message_id);


--
-- Name: received_mail_copies; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX received_mail_copies ON public.received_mail USING btree (customer_id, fingerprint) WHERE (fingerprint IS NOT NULL);


--
-- Name: received_mail_once; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX received_mail_once ON public.received_mail USING btree (inbound_id) WHERE (inbound_id IS NOT NULL);


--
-- Name: relay_event_domain_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX relay_event_domain_idx ON public.relay_event USING btree (domain, id) WHERE (domain IS NOT NULL);


--
-- Name: relay_event_relay_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX relay_event_relay_idx ON public.relay_event USING btree (relay, id);


--
-- Name: search_parked_until; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX search_parked_until ON public.search_parked USING btree (until);


--
-- Name: sender_dns_not_ready; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sender_dns_not_ready ON public.sender_dns USING btree (sender_id) WHERE (in_use AND (NOT ready));


--
-- Name: suppression_address_trigram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX suppression_address_trigram ON public.suppression USING gin (address public.gin_trgm_ops);


--
-- Name: suppression_by_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX suppression_by_id ON public.suppression USING btree (id);


--
-- Name: test_email_by_call; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX test_email_by_call ON public.test_email USING btree (first_message_id);


--
-- Name: test_email_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX test_email_by_time ON public.test_email USING btree (created_at);


--
-- Name: test_email_of_mailing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX test_email_of_mailing ON public.test_email USING btree (mailing_id);


--
-- Name: domain_statistics add_changes_to_domain_months; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER add_changes_to_domain_months AFTER UPDATE ON public.domain_statistics REFERENCING OLD TABLE AS old_days NEW TABLE AS new_days FOR EACH STATEMENT EXECUTE FUNCTION public.add_changes_to_domain_months();


--
-- Name: domain_statistics add_new_to_domain_months; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER add_new_to_domain_months AFTER INSERT ON public.domain_statistics REFERENCING NEW TABLE AS new_days FOR EACH STATEMENT EXECUTE FUNCTION public.add_new_to_domain_months();


--
-- Name: customer_address address_removed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE CONSTRAINT TRIGGER address_removed AFTER DELETE ON public.customer_address DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.forget_bad_address();


--
-- Name: customer_address address_replaced; Type: TRIGGER; Schema: public; Owner: -
--

CREATE CONSTRAINT TRIGGER address_replaced AFTER UPDATE OF address_key ON public.customer_address DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.address_key <> new.address_key)) EXECUTE FUNCTION public.forget_bad_address();


--
-- Name: copy copy_made_in_trouble; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER copy_made_in_trouble AFTER INSERT ON public.copy FOR EACH ROW WHEN ((new.status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status]))) EXECUTE FUNCTION public.note_copy_trouble();


--
-- Name: copy copy_trouble_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER copy_trouble_changed AFTER UPDATE OF status, cause, address ON public.copy FOR EACH ROW WHEN (((new.status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status])) OR (old.status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status])))) EXECUTE FUNCTION public.note_copy_trouble();


--
-- Name: mailing_tally mailing_counts_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER mailing_counts_changed AFTER INSERT OR UPDATE ON public.mailing_tally FOR EACH ROW WHEN ((new.shard = ANY (ARRAY[0, 15]))) EXECUTE FUNCTION public.note_changed_mailing();


--
-- Name: message message_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER message_changed AFTER UPDATE ON public.message FOR EACH ROW WHEN (((NOT new.internal) AND (NOT ((old.status = 'QUEUED'::public.email_status) AND (new.status <> 'QUEUED'::public.email_status) AND (new.mail_sha256 IS DISTINCT FROM old.mail_sha256))))) EXECUTE FUNCTION public.note_message();


--
-- Name: message_trouble message_dismissed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER message_dismissed AFTER UPDATE OF dismissed_at ON public.message_trouble FOR EACH ROW WHEN (((new.recipient_no = 0) AND (old.status = new.status) AND ((old.dismissed_at IS NULL) <> (new.dismissed_at IS NULL)))) EXECUTE FUNCTION public.note_dismissed_message();


--
-- Name: message message_made; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER message_made AFTER INSERT ON public.message FOR EACH ROW WHEN (((NOT new.internal) AND (NOT ((new.campaign_id IS NOT NULL) AND (new.status = 'QUEUED'::public.email_status))))) EXECUTE FUNCTION public.note_message();


--
-- Name: message message_made_in_trouble; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER message_made_in_trouble AFTER INSERT ON public.message FOR EACH ROW WHEN ((new.status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status]))) EXECUTE FUNCTION public.note_message_trouble();


--
-- Name: message message_trouble_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER message_trouble_changed AFTER UPDATE OF status, cause, recipient ON public.message FOR EACH ROW WHEN (((new.status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status])) OR (old.status = ANY (ARRAY['UNCERTAIN'::public.email_status, 'REFUSED'::public.email_status, 'HELD'::public.email_status, 'EXPIRED'::public.email_status, 'BOUNCED'::public.email_status])))) EXECUTE FUNCTION public.note_message_trouble();


--
-- Name: sender_version sender_version_is_immutable; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER sender_version_is_immutable BEFORE DELETE OR UPDATE ON public.sender_version FOR EACH ROW EXECUTE FUNCTION public.refuse_change();


--
-- Name: lifted_suppression suppression_lifted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER suppression_lifted AFTER INSERT ON public.lifted_suppression FOR EACH ROW WHEN ((new.scope = 'ALL_MAIL'::public.suppression_scope)) EXECUTE FUNCTION public.forget_lifted_address();


--
-- Name: template_version template_version_is_immutable; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER template_version_is_immutable BEFORE DELETE OR UPDATE ON public.template_version FOR EACH ROW EXECUTE FUNCTION public.refuse_change();


--
-- Name: assigned_report assigned_report_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.assigned_report
    ADD CONSTRAINT assigned_report_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: assigned_report assigned_report_inbound_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.assigned_report
    ADD CONSTRAINT assigned_report_inbound_id_fkey FOREIGN KEY (inbound_id) REFERENCES public.inbound_mail(id) ON DELETE CASCADE;


--
-- Name: attachment attachment_sha256_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_sha256_fkey FOREIGN KEY (sha256) REFERENCES public.content(sha256);


--
-- Name: bad_address bad_address_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bad_address
    ADD CONSTRAINT bad_address_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id) ON DELETE CASCADE;


--
-- Name: campaign_customer campaign_customer_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_customer
    ADD CONSTRAINT campaign_customer_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: campaign_customer campaign_customer_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_customer
    ADD CONSTRAINT campaign_customer_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: campaign_decision campaign_decision_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_decision
    ADD CONSTRAINT campaign_decision_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: campaign_event campaign_event_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_event
    ADD CONSTRAINT campaign_event_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: campaign_list campaign_list_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_list
    ADD CONSTRAINT campaign_list_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: campaign_list campaign_list_list_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_list
    ADD CONSTRAINT campaign_list_list_id_fkey FOREIGN KEY (list_id) REFERENCES public.customer_list(id) ON DELETE CASCADE;


--
-- Name: campaign campaign_sender_version_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_sender_version_id_fkey FOREIGN KEY (sender_version_id) REFERENCES public.sender_version(id);


--
-- Name: campaign_trigger campaign_trigger_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_trigger
    ADD CONSTRAINT campaign_trigger_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: campaign_trigger campaign_trigger_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaign_trigger
    ADD CONSTRAINT campaign_trigger_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: copy copy_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.copy
    ADD CONSTRAINT copy_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: customer_address customer_address_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customer_address
    ADD CONSTRAINT customer_address_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id) ON DELETE CASCADE;


--
-- Name: delivery_report delivery_report_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.delivery_report
    ADD CONSTRAINT delivery_report_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: delivery_report delivery_report_inbound_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.delivery_report
    ADD CONSTRAINT delivery_report_inbound_id_fkey FOREIGN KEY (inbound_id) REFERENCES public.inbound_mail(id) ON DELETE SET NULL;


--
-- Name: domain_connection_lease domain_connection_lease_domain_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.domain_connection_lease
    ADD CONSTRAINT domain_connection_lease_domain_fkey FOREIGN KEY (domain) REFERENCES public.destination(domain) ON DELETE CASCADE;


--
-- Name: gateway_minute_answers gateway_minute_answers_minute_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gateway_minute_answers
    ADD CONSTRAINT gateway_minute_answers_minute_fkey FOREIGN KEY (minute) REFERENCES public.gateway_minute(minute) ON DELETE CASCADE;


--
-- Name: gateway_minute_lane gateway_minute_lane_minute_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gateway_minute_lane
    ADD CONSTRAINT gateway_minute_lane_minute_fkey FOREIGN KEY (minute) REFERENCES public.gateway_minute(minute) ON DELETE CASCADE;


--
-- Name: idempotency_key idempotency_key_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: idempotency_key idempotency_key_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: idempotency_key idempotency_key_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: import_chunk import_chunk_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_chunk
    ADD CONSTRAINT import_chunk_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.customer_import(id) ON DELETE CASCADE;


--
-- Name: import_error import_error_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_error
    ADD CONSTRAINT import_error_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.customer_import(id) ON DELETE CASCADE;


--
-- Name: inbound_mail inbound_mail_content_sha256_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inbound_mail
    ADD CONSTRAINT inbound_mail_content_sha256_fkey FOREIGN KEY (content_sha256) REFERENCES public.content(sha256);


--
-- Name: lane lane_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: lane lane_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: list_member list_member_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.list_member
    ADD CONSTRAINT list_member_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: list_member list_member_list_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.list_member
    ADD CONSTRAINT list_member_list_id_fkey FOREIGN KEY (list_id) REFERENCES public.customer_list(id) ON DELETE CASCADE;


--
-- Name: mailing mailing_campaign_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing
    ADD CONSTRAINT mailing_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;


--
-- Name: mailing_left_out mailing_left_out_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_left_out
    ADD CONSTRAINT mailing_left_out_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: mailing_left_out mailing_left_out_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_left_out
    ADD CONSTRAINT mailing_left_out_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: mailing_link mailing_link_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_link
    ADD CONSTRAINT mailing_link_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: mailing mailing_not_opened_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing
    ADD CONSTRAINT mailing_not_opened_mailing_id_fkey FOREIGN KEY (not_opened_mailing_id) REFERENCES public.mailing(id);


--
-- Name: mailing_recipient mailing_recipient_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_recipient
    ADD CONSTRAINT mailing_recipient_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: mailing_recipient mailing_recipient_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_recipient
    ADD CONSTRAINT mailing_recipient_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: mailing_sample mailing_sample_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_sample
    ADD CONSTRAINT mailing_sample_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: mailing_tally mailing_tally_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_tally
    ADD CONSTRAINT mailing_tally_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: mailing mailing_template_version_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing
    ADD CONSTRAINT mailing_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES public.template_version(id);


--
-- Name: mailing_words mailing_words_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailing_words
    ADD CONSTRAINT mailing_words_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: message_attachment message_attachment_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_attachment
    ADD CONSTRAINT message_attachment_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: message_attachment message_attachment_sha256_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_attachment
    ADD CONSTRAINT message_attachment_sha256_fkey FOREIGN KEY (sha256) REFERENCES public.content(sha256);


--
-- Name: message message_content_sha256_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_content_sha256_fkey FOREIGN KEY (content_sha256) REFERENCES public.content(sha256);


--
-- Name: message message_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: message message_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id);


--
-- Name: message message_sender_version_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_sender_version_id_fkey FOREIGN KEY (sender_version_id) REFERENCES public.sender_version(id);


--
-- Name: message message_template_version_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES public.template_version(id);


--
-- Name: message_trouble message_trouble_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_trouble
    ADD CONSTRAINT message_trouble_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: opt_out opt_out_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.opt_out
    ADD CONSTRAINT opt_out_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- Name: received_mail received_mail_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.received_mail
    ADD CONSTRAINT received_mail_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: received_mail received_mail_inbound_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.received_mail
    ADD CONSTRAINT received_mail_inbound_id_fkey FOREIGN KEY (inbound_id) REFERENCES public.inbound_mail(id) ON DELETE SET NULL;


--
-- Name: sender_dns sender_dns_sender_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender_dns
    ADD CONSTRAINT sender_dns_sender_id_fkey FOREIGN KEY (sender_id) REFERENCES public.sender(id) ON DELETE CASCADE;


--
-- Name: sender_version sender_version_sender_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sender_version
    ADD CONSTRAINT sender_version_sender_id_fkey FOREIGN KEY (sender_id) REFERENCES public.sender(id);


--
-- Name: template_version template_version_template_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.template_version
    ADD CONSTRAINT template_version_template_id_fkey FOREIGN KEY (template_id) REFERENCES public.template(id);


--
-- Name: test_email test_email_customer_id_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.test_email
    ADD CONSTRAINT test_email_customer_id_message_id_fkey FOREIGN KEY (customer_id, message_id) REFERENCES public.message(customer_id, id) ON DELETE CASCADE;


--
-- Name: test_email test_email_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.test_email
    ADD CONSTRAINT test_email_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: triggered_recipient triggered_recipient_mailing_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.triggered_recipient
    ADD CONSTRAINT triggered_recipient_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES public.mailing(id) ON DELETE CASCADE;


--
-- Name: work_order work_order_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.work_order
    ADD CONSTRAINT work_order_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);


--
-- PostgreSQL database dump complete
--



--
-- Dbmate schema migrations
--

INSERT INTO public.schema_migrations (version) VALUES
    ('20261129010000'),
    ('20261129010100'),
    ('20261129010200'),
    ('20261129010300'),
    ('20261129010400'),
    ('20261129010500'),
    ('20261129010600'),
    ('20261129010700'),
    ('20261129021500'),
    ('20261129023000'),
    ('20261129030000'),
    ('20261129031500'),
    ('20261129040000'),
    ('20261129041500'),
    ('20261130010000'),
    ('20261130010100'),
    ('20261130010200'),
    ('20261130010300'),
    ('20261130010400'),
    ('20261201010000'),
    ('20261201010100'),
    ('20261201020000'),
    ('20261201020100'),
    ('20261201030000'),
    ('20261201040000'),
    ('20261201050000'),
    ('20261201060000'),
    ('20261201090000'),
    ('20261202010000'),
    ('20261202010100'),
    ('20261202015000'),
    ('20261202020000'),
    ('20261202020100'),
    ('20261202020200'),
    ('20261202030000'),
    ('20261202032000'),
    ('20261202033000'),
    ('20261202041000'),
    ('20261202042000'),
    ('20261202043000'),
    ('20261202044000'),
    ('20261203001000'),
    ('20261203010000'),
    ('20261203100000'),
    ('20261203200000'),
    ('20261203201000'),
    ('20261203300000'),
    ('20261203301000'),
    ('20261203302000'),
    ('20261203303000'),
    ('20261203400000'),
    ('20261203500000'),
    ('20261203600000'),
    ('20261203700000'),
    ('20261203700100'),
    ('20261203710000'),
    ('20261203800000'),
    ('20261204110000'),
    ('20261204820600'),
    ('20261205010000'),
    ('20261205020000'),
    ('20261205030000'),
    ('20261205040000'),
    ('20261205050000'),
    ('20261205100000'),
    ('20261205100100'),
    ('20261205100200'),
    ('20261206010000'),
    ('20261207010000');
