-- name: find_token^
-- The living token of this digest.
select t.name, t.token_sha256, t.inbound_only, t.content
from api_token t
where t.token_sha256 = :token_sha256 and t.revoked_at is null;

-- name: hold_token^
-- The living token of this digest, which is not revoked before this transaction ends.
select t.name, t.inbound_only, t.content
from api_token t
where t.token_sha256 = :token_sha256 and t.revoked_at is null
for share;

-- name: create_token!
-- A new token's digest under its name; the token itself is stored nowhere.
insert into api_token (name, token_sha256, inbound_only, content)
values (:name, :token_sha256, :inbound_only, :content);

-- name: list_tokens
-- Every token, newest first.
select t.name, t.created_at, t.revoked_at, t.inbound_only, t.content
from api_token t
order by t.id desc
limit 1000;

-- name: revoke_token$
-- Ends the token of this name; its name when it was living. Waits for who is signing in with it.
update api_token t
set revoked_at = now()
where t.name = :name and t.revoked_at is null
returning t.name;

-- name: end_sessions_of_token!
-- Ends every session of this name. A statement of its own: it sees the one that `revoke_token` waited for.
delete from session s
where s.name = :name;
