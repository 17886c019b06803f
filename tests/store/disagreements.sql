-- One invented row in each table that came with 0004_disagreements.
INSERT INTO disagreement (id, authority, kind, subject, found_at, last_seen_at, mended_at, how, attempts) VALUES ('g1', 'local', 'rows_older', 'e1', '2026-06-10 12:00:00+00:00', '2026-06-10 12:15:00+00:00', NULL, NULL, 1);
INSERT INTO reconciled (authority, began_at, ended_at, checked_to, open_episodes, compared, found) VALUES ('local', '2026-06-10 12:00:00+00:00', '2026-06-10 12:00:05+00:00', 'e1', 1, 1, 1);
