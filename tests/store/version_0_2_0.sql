-- A database as version 0.2.0 made it, with a row in each table. Frozen: no later schema changes it.
BEGIN TRANSACTION;
CREATE TABLE child (
 id VARCHAR NOT NULL,
 authority VARCHAR NOT NULL,
 reference VARCHAR NOT NULL,
 created_at DATETIME NOT NULL,
 CONSTRAINT pk_child PRIMARY KEY (id),
 CONSTRAINT uq_child_authority_reference UNIQUE (authority, reference)
);
INSERT INTO "child" VALUES('c1','local','INVENTED-1','2026-06-10 12:00:00.000000');
CREATE TABLE child_record (
 child_id VARCHAR NOT NULL,
 kind VARCHAR NOT NULL,
 version INTEGER NOT NULL,
 recorded_at DATETIME NOT NULL,
 recorded_by VARCHAR NOT NULL,
 body JSON NOT NULL,
 CONSTRAINT pk_child_record PRIMARY KEY (child_id, kind, version),
 CONSTRAINT fk_child_record_child_id FOREIGN KEY(child_id) REFERENCES child (id)
);
INSERT INTO "child_record" VALUES('c1','placement',1,'2026-06-10 12:00:00.000000','nobody','{"setting": "foster"}');
CREATE TABLE clock (
 episode_id VARCHAR NOT NULL,
 id VARCHAR NOT NULL,
 kind VARCHAR NOT NULL,
 state VARCHAR NOT NULL,
 start DATETIME,
 due DATETIME,
 body JSON NOT NULL,
 CONSTRAINT pk_clock PRIMARY KEY (episode_id, id),
 CONSTRAINT fk_clock_episode_id FOREIGN KEY(episode_id) REFERENCES episode (id)
);
INSERT INTO "clock" VALUES('e1','rhi','due_by','running','2026-06-10 12:00:00.000000','2026-06-10 12:00:00.000000','{}');
CREATE TABLE episode (
 id VARCHAR NOT NULL,
 authority VARCHAR NOT NULL,
 child_id VARCHAR,
 policy VARCHAR NOT NULL,
 policy_version VARCHAR NOT NULL,
 calendar_version VARCHAR NOT NULL,
 status VARCHAR NOT NULL,
 missing_since DATETIME,
 returned_at DATETIME,
 closed_at DATETIME,
 next_wake_at DATETIME,
 next_wake_for VARCHAR,
 turn INTEGER NOT NULL,
 written_at DATETIME NOT NULL,
 CONSTRAINT pk_episode PRIMARY KEY (id),
 CONSTRAINT fk_episode_child_id FOREIGN KEY(child_id) REFERENCES child (id)
);
INSERT INTO "episode" VALUES('e1','local','c1','homeward','2026.2','2026-11','missing','2026-06-10 12:00:00.000000',NULL,NULL,NULL,NULL,3,'2026-06-10 12:00:00.000000');
CREATE TABLE fact (
 episode_id VARCHAR NOT NULL,
 id VARCHAR NOT NULL,
 kind VARCHAR NOT NULL,
 at DATETIME NOT NULL,
 recorded_at DATETIME NOT NULL,
 body JSON NOT NULL,
 CONSTRAINT pk_fact PRIMARY KEY (episode_id, id),
 CONSTRAINT fk_fact_episode_id FOREIGN KEY(episode_id) REFERENCES episode (id)
);
INSERT INTO "fact" VALUES('e1','f1','reported','2026-06-10 12:00:00.000000','2026-06-10 12:00:00.000000','{"id": "f1", "kind": "reported", "at": "2026-06-10T12:00:00Z", "recorded_at": "2026-06-10T12:00:00Z"}');
CREATE TABLE inbox (
 id VARCHAR NOT NULL,
 authority VARCHAR NOT NULL,
 kind VARCHAR NOT NULL,
 episode_id VARCHAR NOT NULL,
 digest VARCHAR,
 body JSON NOT NULL,
 state VARCHAR NOT NULL,
 reason TEXT,
 urgency INTEGER NOT NULL,
 received_at DATETIME NOT NULL,
 settled_at DATETIME,
 attempts INTEGER NOT NULL,
 CONSTRAINT pk_inbox PRIMARY KEY (id),
 CONSTRAINT uq_inbox_authority_digest UNIQUE (authority, digest)
);
INSERT INTO "inbox" VALUES('i1','local','report','e1','d1','{}','applied',NULL,0,'2026-06-10 12:00:00.000000','2026-06-10 12:00:00.000000',1);
CREATE TABLE notice (
 "key" VARCHAR NOT NULL,
 episode_id VARCHAR NOT NULL,
 authority VARCHAR NOT NULL,
 clock VARCHAR NOT NULL,
 rung VARCHAR NOT NULL,
 role VARCHAR NOT NULL,
 channel VARCHAR NOT NULL,
 needs_ack BOOLEAN NOT NULL,
 escalates BOOLEAN NOT NULL,
 says TEXT NOT NULL,
 at DATETIME NOT NULL,
 due DATETIME,
 sent_at DATETIME NOT NULL,
 delivered_at DATETIME,
 acknowledged_at DATETIME,
 CONSTRAINT pk_notice PRIMARY KEY ("key")
);
INSERT INTO "notice" VALUES('n1','e1','local','rhi','ask','iro','tray',1,0,'An invented notice','2026-06-10 12:00:00.000000',NULL,'2026-06-10 12:00:00.000000','2026-06-10 12:00:00.000000',NULL);
CREATE TABLE policy_in_use (
 kind VARCHAR NOT NULL,
 name VARCHAR NOT NULL,
 version VARCHAR NOT NULL,
 digest VARCHAR NOT NULL,
 first_used_at DATETIME NOT NULL,
 CONSTRAINT pk_policy_in_use PRIMARY KEY (kind, name, version)
);
INSERT INTO "policy_in_use" VALUES('policy','homeward','2026.2','x','2026-06-10 12:00:00.000000');
CREATE TABLE task (
 "key" VARCHAR NOT NULL,
 episode_id VARCHAR NOT NULL,
 authority VARCHAR NOT NULL,
 clock VARCHAR,
 role VARCHAR NOT NULL,
 do TEXT NOT NULL,
 due DATETIME,
 state VARCHAR NOT NULL,
 opened_at DATETIME NOT NULL,
 closed_at DATETIME,
 CONSTRAINT pk_task PRIMARY KEY ("key")
);
INSERT INTO "task" VALUES('k1','e1','local','rhi','iro','An invented task','2026-06-10 12:00:00.000000','open','2026-06-10 12:00:00.000000',NULL);
CREATE TABLE timeline (
 episode_id VARCHAR NOT NULL,
 number INTEGER NOT NULL,
 at DATETIME NOT NULL,
 recorded_at DATETIME NOT NULL,
 body JSON NOT NULL,
 CONSTRAINT pk_timeline PRIMARY KEY (episode_id, number),
 CONSTRAINT fk_timeline_episode_id FOREIGN KEY(episode_id) REFERENCES episode (id)
);
INSERT INTO "timeline" VALUES('e1',1,'2026-06-10 12:00:00.000000','2026-06-10 12:00:00.000000','{}');
CREATE INDEX ix_notice_episode_id ON notice (episode_id);
CREATE INDEX ix_task_state_due ON task (state, due);
CREATE INDEX ix_task_episode_id ON task (episode_id);
CREATE INDEX ix_inbox_state_urgency_received_at ON inbox (state, urgency, received_at);
CREATE INDEX ix_episode_authority_status ON episode (authority, status);
CREATE INDEX ix_episode_child_id ON episode (child_id);
CREATE INDEX ix_clock_state_due ON clock (state, due);
COMMIT;
