-- A row in the table that 0009_drafts brings.
INSERT INTO draft (authority, who, id, kind, body, begun_at, saved_at) VALUES ('local', 'w1', 'd1', 'report', '{"reference": "INVENTED-1"}', '2026-06-10 12:00:00+00:00', '2026-06-10 12:05:00+00:00');
