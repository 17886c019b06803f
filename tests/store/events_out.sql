-- A row in each table that 0006_events_out brings.
INSERT INTO event_feed (authority, last, dropped) VALUES ('local', 1, 0);
INSERT INTO event (authority, number, id, kind, episode_id, at, data) VALUES ('local', 1, 'ev1', 'homeward.episode.begun', 'e1', '2026-06-10 12:00:00+00:00', '{"status": "missing"}');
INSERT INTO subscription (id, authority, name, url, kinds, secret, state, position, created_at, failures) VALUES ('s1', 'local', 'case-system', 'https://case.invented.example/hooks', '[]', 'whsec_aW52ZW50ZWQ=', 'active', 1, '2026-06-10 12:00:00+00:00', 0);
INSERT INTO undelivered (subscription_id, number, event_id, kind, episode_id, event, state, tries, next_at) VALUES ('s1', 1, 'ev1', 'homeward.episode.begun', 'e1', '{"id": "ev1"}', 'dead', 11, '2026-06-10 12:00:00+00:00');
