-- A row in each table that 0007_intake_runs brings.
INSERT INTO intake_run (id, authority, digest, mapping, lines, begun_at, begun_by) VALUES ('r1', 'local', 'd1', 'case-system-export', 2, '2026-06-10 12:00:00+00:00', 'not said');
INSERT INTO intake_line (run_id, line, verdict, why, episode_id, added) VALUES ('r1', 2, 'taken', '', 'e1', true);
