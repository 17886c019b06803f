-- A row in each table that 0003_audit brings, beside those of people_and_messages.sql.
INSERT INTO audit (authority, number, at, who, name, kind, permission, way, subjects, outcome, request, previous, digest) VALUES ('local', 1, '2026-06-10 12:00:00+00:00', 'one', 'Invented One', 'person', 'read_episodes', 'GET /v1/episodes', '["e1"]', 'allowed', 'r1', '0', '1');
INSERT INTO answered (authority, who, key, digest, status, body, at) VALUES ('local', 'one', 'k1', 'd1', 201, '{"id": "x"}', '2026-06-10 12:00:00+00:00');
INSERT INTO broken_glass (id, authority, episode_id, child_id, who, name, why, at, until) VALUES ('b1', 'local', 'e1', 'c1', 'one', 'Invented One', 'invented', '2026-06-10 12:00:00+00:00', '2026-06-10 20:00:00+00:00');
