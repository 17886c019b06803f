-- A row in each table that 0002_people_and_messages brings, beside those of version_0_2_0.sql.
INSERT INTO person (id, authority, reference, name, email, mobile, channels, hours, deputies) VALUES ('p1', 'local', 'one', 'Invented One', '', '', '', 'always', '');
INSERT INTO message (id, authority, person_id, ways, gathered_at, state, state_at) VALUES ('m1', 'local', 'p1', 'smtp', '2026-06-10 12:00:00+00:00', 'reached', '2026-06-10 12:00:00+00:00');
INSERT INTO recipient (notice_key, person_id, cover, of_absence, in_digest, message_id) VALUES ('n1', 'p1', 'holder', true, false, 'm1');
INSERT INTO dispatch (message_id, way, reference, attempts, in_doubt, first_tried_at) VALUES ('m1', 'smtp', 'm1-smtp', 1, false, '2026-06-10 12:00:00+00:00');
INSERT INTO receipt (id, reference, status, received_at, times) VALUES ('r1', 'm1-smtp', 'delivered', '2026-06-10 12:00:00+00:00', 1);
INSERT INTO holding (id, authority, role, scope, held_for, person_id) VALUES ('h1', 'local', 'iro', 'authority', '', 'p1');
INSERT INTO shift (id, authority, role, person_id, since, until) VALUES ('s1', 'local', 'iro', 'p1', '2026-06-10 12:00:00+00:00', '2026-06-11 12:00:00+00:00');
INSERT INTO leave (id, authority, person_id, since, until) VALUES ('l1', 'local', 'p1', '2026-06-10 12:00:00+00:00', '2026-06-11 12:00:00+00:00');
INSERT INTO child_team (child_id, team) VALUES ('c1', 'North');
UPDATE notice SET channel = NULL, acknowledged_by = 'one';
UPDATE task SET holder = 'one', done_by = 'one';
