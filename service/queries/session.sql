-- name: create_login_link!
-- A link that signs one browser in, once, within its life.
insert into login_link (link_sha256, name, content, read_only, expires_at)
values (:link_sha256, :name, :content, :read_only, now() + :life::interval);

-- name: find_login_link^
-- The link of this digest while it can still be used.
select l.name, l.link_sha256
from login_link l
where l.link_sha256 = :link_sha256 and l.used_at is null and l.expires_at > now();

-- name: use_login_link^
-- Uses the link up; its person's name, whether they may see the mail itself, and whether they may change nothing, when
-- this call was the one that did.
update login_link l
set used_at = now()
where l.link_sha256 = :link_sha256 and l.used_at is null and l.expires_at > now()
returning l.name, l.content, l.read_only;

-- name: create_session!
-- A signed-in browser, until its life ends.
insert into session (session_sha256, csrf_sha256, name, content, read_only, expires_at)
values (:session_sha256, :csrf_sha256, :name, :content, :read_only, now() + :life::interval);

-- name: find_session^
-- The living session of this digest.
select s.name, s.session_sha256, s.csrf_sha256, s.expires_at, s.content, s.read_only
from session s
where s.session_sha256 = :session_sha256 and s.expires_at > now();

-- name: end_session!
-- Signs one browser out.
delete from session s
where s.session_sha256 = :session_sha256;

-- name: sweep_sessions!
-- Forgets what has ended, a thousand at a time: sessions, and links a day old.
with links as (
    delete from login_link l
    where l.link_sha256 in (select o.link_sha256 from login_link o where o.expires_at < now() - interval '1 day'
                            limit 1000 for update skip locked)
)
delete from session s
where s.session_sha256 in (select o.session_sha256 from session o where o.expires_at < now()
                           limit 1000 for update skip locked);
