-- A row in each table that 0005_accounts_and_sessions brings.
INSERT INTO account (id, authority, kind, name, name_key, roles, person, made_at) VALUES ('a1', 'local', 'person', 'Invented One', 'invented one', 'manager;auditor', 'one', '2026-06-10 12:00:00+00:00');
INSERT INTO account_secret (id, account_id, digest, made_at) VALUES ('k1', 'a1', 'invented', '2026-06-10 12:00:00+00:00');
INSERT INTO access_token (digest, account_id, issued_at, expires_at) VALUES ('d1', 'a1', '2026-06-10 12:00:00+00:00', '2026-06-10 12:15:00+00:00');
INSERT INTO web_session (digest, authority, principal_id, account_id, began_at, seen_at) VALUES ('d2', 'local', 'account-a1', 'a1', '2026-06-10 12:00:00+00:00', '2026-06-10 12:00:00+00:00');
INSERT INTO sign_in (state_digest, browser_digest, back_to, begun_at) VALUES ('d3', 'd4', '/', '2026-06-10 12:00:00+00:00');
INSERT INTO wrong_guess (key, times, last_at) VALUES ('account/1', 1, '2026-06-10 12:00:00+00:00');
